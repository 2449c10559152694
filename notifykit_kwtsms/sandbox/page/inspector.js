// The inspector: seven tabs about one message.

import { detail } from "./details.js";
import { el, fill, set } from "./dom.js";
import { get, onSetting, put } from "./settings.js";
import { showDelivery } from "./tabs/delivery.js";
import { showEdits } from "./tabs/edits.js";
import { showEncoding } from "./tabs/encoding.js";
import { showMessage } from "./tabs/message.js";
import { showRaw, showRequest, showResponse } from "./tabs/exchange.js";
import { highlight } from "./text.js";

const TABS = [
  ["phone", "Phone", showMessage],
  ["encoding", "Encoding", showEncoding],
  ["edits", "Edits", showEdits],
  ["request", "Request", showRequest],
  ["response", "Response", showResponse],
  ["delivery", "Delivery", showDelivery],
  ["raw", "Raw", showRaw],
];

export class Inspector {
  #panel;
  #buttons = new Map();
  #id = null;
  #actions;
  #drawn = "";

  /** `actions` is what a tab can do: `deliver(id, state, number)`, `tag(id, tags)`, `recover(message)`. */
  constructor(tablist, panel, actions) {
    this.#panel = panel;
    this.#actions = actions;
    for (const [name, words] of TABS) {
      const button = el(
        "button",
        { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": panel.id, onclick: () => put("tab", name) },
        words,
      );
      this.#buttons.set(name, button);
      tablist.append(button);
    }
    tablist.addEventListener("keydown", (event) => this.#move(event));
    onSetting((name) => {
      if (name === "tab") this.#choose();
    });
    this.#choose();
  }

  /** Shows a message, or with null nothing. */
  show(id) {
    this.#id = id;
    this.draw();
  }

  /** Reads what is shown again. */
  async draw() {
    const id = this.#id;
    if (id === null) {
      this.#drawn = "";
      fill(this.#panel, el("p", { class: "hint" }, "Choose a message to see why it cost what it cost."));
      return;
    }
    try {
      const found = await detail(id);
      if (id === this.#id) this.#show(found);
    } catch (problem) {
      if (id === this.#id) fill(this.#panel, el("p", { class: "hint" }, problem.message));
    }
  }

  #show(message) {
    const [name, , render] = TABS.find(([tab]) => tab === this.#tab) ?? TABS[0];
    const drawn = `${name} ${JSON.stringify(message)}`;
    if (drawn === this.#drawn) return;
    // An update must not take the focus away from a button of the panel, nor what is being typed there.
    const focused = this.#panel.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    const typing = focused && document.activeElement.matches("input[type=text]") ? document.activeElement.value : null;
    const same = this.#drawn.startsWith(`${name} `) && this.#panel.dataset.message === String(message.id);
    const { scrollTop } = this.#panel;
    this.#drawn = drawn;
    this.#panel.dataset.message = message.id;
    highlight("forced", "panel", []);
    highlight("forced-current", "panel", []);
    fill(this.#panel);
    render(this.#panel, message, this.#actions);
    this.#panel.scrollTop = same ? scrollTop : 0;
    if (!focused) return;
    const heir = this.#panel.querySelector(`[data-focus="${CSS.escape(focused)}"]:not(:disabled)`);
    if (heir && typing !== null) heir.value = typing;
    (heir ?? this.#panel).focus({ preventScroll: true });
  }

  get #tab() {
    const tab = get("tab");
    return this.#buttons.has(tab) ? tab : "phone";
  }

  #choose() {
    for (const [name, button] of this.#buttons) {
      const chosen = name === this.#tab;
      set(button, { "aria-selected": String(chosen), tabindex: chosen ? 0 : -1 });
      if (chosen) this.#panel.setAttribute("aria-labelledby", button.id);
    }
    this.draw();
  }

  #move(event) {
    const names = [...this.#buttons.keys()];
    const at = names.indexOf(this.#tab);
    const forward = getComputedStyle(event.currentTarget).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const backward = forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
    const to = { [forward]: at + 1, [backward]: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const name = names[(to + names.length) % names.length];
    put("tab", name);
    this.#buttons.get(name).focus();
  }
}

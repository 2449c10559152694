// The inspector: seven tabs about one message. Three of them, what went over the wire, are here too; the password was
// replaced before it got to the page.

import { getDetails } from "./api.js";
import { badge, el, facts, fill, isolated, jsonBlock, notice, section, set } from "./dom.js";
import { showEdits, showEncoding } from "./encoding_tabs.js";
import { highlight } from "./format.js";
import { showDelivery, showMessage } from "./message_tabs.js";
import { copy } from "./notifications.js";
import { onPreference, preference, setPreference } from "./preferences.js";

const TABS = {
  phone: ["Phone", showMessage],
  encoding: ["Encoding", showEncoding],
  edits: ["Edits", showEdits],
  request: ["Request", showRequest],
  response: ["Response", showResponse],
  delivery: ["Delivery", showDelivery],
  raw: ["Raw", showRaw],
};

export class Inspector {
  #panel;
  #buttons = new Map();
  #id = null;
  #actions;
  #drawn = "";

  /** `actions` is what a tab can do: `deliver(id, state, number)`, `tag(message, change)`, `recover(message)`. */
  constructor(tablist, panel, actions) {
    this.#panel = panel;
    this.#actions = actions;
    for (const [name, [words]] of Object.entries(TABS)) {
      const choose = () => setPreference("tab", name);
      const attributes = { role: "tab", id: `tab-${name}`, "aria-controls": panel.id, onclick: choose };
      this.#buttons.set(name, el("button", attributes, words));
    }
    fill(tablist, ...this.#buttons.values());
    tablist.addEventListener("keydown", (event) => this.#move(event));
    onPreference((name) => {
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
      fill(this.#panel, el("p.muted", "Choose a message to see why it cost what it cost."));
      return;
    }
    try {
      const found = await getDetails(id);
      if (id === this.#id) this.#show(found);
    } catch (problem) {
      if (id === this.#id) fill(this.#panel, el("p.muted", problem.message));
    }
  }

  #show(message) {
    const drawn = `${this.#tab} ${JSON.stringify(message)}`;
    if (drawn === this.#drawn) return;
    // An update must not take the focus away from a button of the panel, nor what is being typed there.
    const { activeElement } = document;
    const focused = this.#panel.contains(activeElement) ? activeElement.dataset.focus : undefined;
    const typed = focused && activeElement.matches("input[type=text]") ? activeElement.value : null;
    const same = this.#drawn.startsWith(`${this.#tab} `) && this.#panel.dataset.message === String(message.id);
    const { scrollTop } = this.#panel;
    this.#drawn = drawn;
    this.#panel.dataset.message = message.id;
    highlight("forced", "panel", []);
    highlight("forced-current", "panel", []);
    fill(this.#panel);
    TABS[this.#tab][1](this.#panel, message, this.#actions);
    this.#panel.scrollTop = same ? scrollTop : 0;
    if (!focused) return;
    const successor = this.#panel.querySelector(`[data-focus="${CSS.escape(focused)}"]:not(:disabled)`);
    if (successor && typed !== null) successor.value = typed;
    (successor ?? this.#panel).focus({ preventScroll: true });
  }

  get #tab() {
    const tab = preference("tab");
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
    const rtl = getComputedStyle(event.currentTarget).direction === "rtl";
    const [forward, backward] = rtl ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
    const to = { [forward]: at + 1, [backward]: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const name = names[(to + names.length) % names.length];
    setPreference("tab", name);
    this.#buttons.get(name).focus();
  }
}

function showRequest(panel, { request }) {
  panel.append(
    el("p.cluster.mono", { dir: "ltr" }, el("strong", "POST"), " ", request.path),
    facts([["From", isolated(request.client, { class: "mono", dir: "ltr" })]]),
    section("Fields", jsonBlock(request.fields)),
    section("Headers", set(facts(Object.entries(request.headers), ".headers.mono"), { dir: "ltr" })),
  );
}

function showResponse(panel, message) {
  const { response, fault } = message;
  if (fault) {
    const reached = response
      ? " This is what the gateway said; the wire changed or lost it."
      : " The gateway never saw the request.";
    const meaning = message["fault-detail"]?.meaning ?? "";
    panel.append(notice("warning", [el("strong", `Fault: ${fault}. `), meaning, reached]));
  }
  if (!response) {
    panel.append(el("p.muted", "There is no answer of the gateway."));
    return;
  }
  const accepted = response.status < 400 && message.accepted;
  const outcome = accepted ? badge("Accepted", "success") : badge(message.code ?? "Refused", "error");
  panel.append(
    el("p.cluster", el("strong.figure", `HTTP ${response.status}`), " ", outcome),
    section("Body", jsonBlock(response.body)),
  );
}

function showRaw(panel, message) {
  const copyJson = () => copy(JSON.stringify(message, null, 2), "The message");
  panel.append(
    el(
      "p.cluster",
      el("button", { onclick: copyJson }, "Copy as JSON"),
      el("a", { href: `sandbox/messages/${message.id}` }, "Open in the API"),
    ),
    jsonBlock(message),
  );
}

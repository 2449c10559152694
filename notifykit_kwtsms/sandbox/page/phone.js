// The phone: the messages of one number as it would show them, or as an old one with seven lines would.

import { copyButton } from "./copying.js";
import { detail } from "./details.js";
import { el, fill, spoken } from "./dom.js";
import { count, dayName, minuteTime, phoneNumber } from "./format.js";
import { drawOldPhone } from "./oldphone.js";
import { get } from "./settings.js";
import { drawMarks, forcedRanges, highlight, showText } from "./text.js";
import { ticks } from "./ticks.js";

/** Bubbles that are drawn at once; older ones come by a button. */
const PAGE = 60;

export class Phone {
  #node;
  #store;
  #id = null;
  #number = null;
  #shown = PAGE;
  #bubbles = new Map();
  #list = null;
  #resized;

  constructor(node, store) {
    this.#node = node;
    this.#store = store;
    this.#resized = new ResizeObserver(() => this.#mark());
    this.#resized.observe(node);
    document.fonts?.addEventListener?.("loadingdone", () => this.#mark());
  }

  /** Shows a message among the others of its number. */
  show(id, number) {
    const message = this.#store.get(id);
    if (!message) {
      this.clear();
      return;
    }
    const wanted = number ?? message.to[0] ?? null;
    if (wanted !== this.#number || !this.#list) {
      this.#number = wanted;
      this.#shown = PAGE;
      this.#list = null;
    }
    const moved = id !== this.#id;
    this.#id = id;
    this.draw(moved);
  }

  clear() {
    this.#id = null;
    this.#number = null;
    this.#list = null;
    this.#bubbles.clear();
    fill(this.#node);
  }

  /** Draws again what is shown, because something changed; `moved` brings the open bubble into sight. */
  draw(moved = false) {
    const message = this.#store.get(this.#id);
    if (!message) return;
    if (get("device") === "feature") {
      this.#list = null;
      this.#bubbles.clear();
      highlight("forced", "phone", []);
      drawOldPhone(this.#node, message);
    } else this.#drawSmart(message, moved);
  }

  #messages(message) {
    const all = this.#number === null ? [] : this.#store.to(this.#number);
    return all.length ? all : [message];
  }

  #drawSmart(message, moved) {
    const all = this.#messages(message);
    const from = Math.max(0, Math.min(all.length - this.#shown, all.indexOf(message) - 5));
    const messages = all.slice(from);
    const fresh = this.#list === null || !this.#list.isConnected;
    if (fresh) this.#frameSmart();
    const atEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight < 40;
    fill(this.#node.querySelector(".contact"), this.#contact(message));
    const earlier = this.#node.querySelector(".earlier");
    earlier.hidden = from === 0;
    const nodes = [];
    let last = null;
    const kept = new Set();
    for (const item of messages) {
      if (!last || dayName(last.at) !== dayName(item.at)) nodes.push(this.#divider(dayName(item.at)));
      if (!last || last.sender !== item.sender) nodes.push(this.#divider(item.sender || "no sender", "from"));
      nodes.push(this.#bubble(item, all.length > 1));
      kept.add(item.id);
      last = item;
    }
    for (const id of this.#bubbles.keys()) if (!kept.has(id)) this.#bubbles.delete(id);
    reconcile(this.#list, nodes);
    this.#mark();
    const open = this.#bubbles.get(this.#id);
    if (moved || fresh) open?.scrollIntoView({ block: fresh ? "end" : "nearest" });
    else if (atEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  get #scroller() {
    return this.#node.querySelector(".conversation");
  }

  #frameSmart() {
    this.#bubbles.clear();
    this.#list = el("ol", { class: "bubbles", role: "list" });
    const earlier = el("button", { type: "button", class: "earlier quiet" }, "Earlier messages");
    earlier.addEventListener("click", () => {
      const first = this.#list.querySelector(".bubble-row a.meta-link");
      this.#shown += PAGE;
      this.draw();
      first?.focus();
    });
    fill(
      this.#node,
      el(
        "div",
        { class: "device smart" },
        el(
          "div",
          { class: "screen" },
          el(
            "div",
            { class: "status-bar", "aria-hidden": "true" },
            el("span", {}, minuteTime(Date.now())),
            el("span", { class: "island" }),
            el("span", { class: "signal" }, el("i"), el("i"), el("i"), el("i")),
          ),
          el("header", { class: "contact" }),
          el(
            "div",
            { class: "conversation", tabindex: 0, role: "region", "aria-label": "Conversation" },
            earlier,
            this.#list,
          ),
        ),
      ),
    );
  }

  #contact(message) {
    const sender = message.sender || "no sender";
    return [
      el("span", { class: "avatar", "aria-hidden": "true" }, (/[\p{L}\p{N}]/u.exec(sender)?.[0] ?? "?").toUpperCase()),
      el("span", { class: "contact-name" }, el("bdi", {}, sender)),
      el(
        "span",
        { class: "contact-note" },
        el("bdi", { dir: "ltr", class: "private" }, this.#number ? phoneNumber(this.#number) : "no number"),
      ),
    ];
  }

  #divider(words, kind = "day") {
    return el("li", { class: `divider ${kind}` }, el("bdi", {}, words));
  }

  #bubble(message, several) {
    let row = this.#bubbles.get(message.id);
    if (!row) {
      row = el(
        "li",
        { class: "bubble-row" },
        el(
          "div",
          { class: "bubble" },
          el("p", { class: "bubble-text" }),
          el("div", { class: "marks", "aria-hidden": "true" }),
        ),
        el("div", { class: "meta" }),
      );
      row.querySelector(".bubble").addEventListener("click", (event) => {
        if (!event.target.closest("a") && !getSelection().toString()) location.hash = this.#href(message);
      });
      showText(row.querySelector(".bubble-text"), message);
      this.#bubbles.set(message.id, row);
    }
    const open = message.id === this.#id;
    row.className = "bubble-row";
    row.classList.toggle("open", open && several);
    row.classList.toggle("test", message.test && message.accepted);
    row.classList.toggle("refused", !message.accepted);
    const stamp = `${message.state} ${message.queued} ${open}`;
    if (row.dataset.stamp !== stamp) {
      row.dataset.stamp = stamp;
      fill(row.querySelector(".meta"), this.#meta(message, open));
    }
    return row;
  }

  #href(message) {
    return message.to.length > 1 && this.#number
      ? `#/m/${message.id}/${encodeURIComponent(this.#number)}`
      : `#/m/${message.id}`;
  }

  #meta(message, open) {
    const words = [minuteTime(message.at)];
    if (message.segments > 1) words.push(count(message.segments, "segment"));
    const link = el(
      "a",
      { class: "meta-link", href: this.#href(message), "aria-current": open ? "true" : null },
      words.join(" · "),
      spoken(`, message ${message.id}`),
    );
    return [link, ticks(message), message.otp && copyButton(message.otp)];
  }

  #mark() {
    const layers = [];
    const forced = [];
    for (const [id, row] of this.#bubbles) {
      const message = this.#store.get(id);
      if (!message || !row.isConnected) continue;
      if (message.segments > 1) layers.push([id, row]);
      if (id === this.#id && message.encoding !== "gsm7") forced.push([id, row]);
    }
    if (!forced.length) highlight("forced", "phone", []);
    for (const [id, row] of layers) {
      detail(id).then(
        ({ analysis }) =>
          row.isConnected &&
          drawMarks(row.querySelector(".marks"), row.querySelector(".bubble-text"), analysis.starts16),
        () => {},
      );
    }
    for (const [id, row] of forced) {
      detail(id).then(
        ({ analysis, text }) => {
          if (id !== this.#id || !row.isConnected) return;
          highlight("forced", "phone", forcedRanges(row.querySelector(".bubble-text"), text, analysis.forced));
        },
        () => {},
      );
    }
  }
}

function reconcile(parent, nodes) {
  // Dividers are made anew, bubbles are the same: only what differs is touched, so that focus and selection stay.
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, position) => {
    const there = parent.children[position];
    if (there !== node) parent.insertBefore(node, there ?? null);
  });
}

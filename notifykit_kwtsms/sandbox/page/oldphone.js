// A phone of the time before: seven lines, one message, no pictures.

import { el, fill, icon, spoken } from "./dom.js";
import { showText } from "./text.js";
import { ticks } from "./ticks.js";

/** What an old phone does not have. */
const PICTURES = /\p{Extended_Pictographic}(?:\u200d\p{Extended_Pictographic}|[\ufe0f\u20e3\u{1f3fb}-\u{1f3ff}])*/gu;

/** Draws one message as such a phone shows it. */
export function drawOldPhone(node, message) {
  const text = el("p", { class: "lcd-text" });
  const shown = message.text.replace(PICTURES, "▯");
  showText(text, { ...message, text: shown }, { links: false });
  const window = el(
    "div",
    { class: "lcd-window", tabindex: 0, role: "region", "aria-label": "Display of seven lines" },
    text,
  );
  const page = el("span", {});
  const turn = (by) => {
    window.scrollTop += by * window.clientHeight;
  };
  const told = () => {
    const pages = Math.max(1, Math.ceil((text.scrollHeight - 2) / Math.max(1, window.clientHeight)));
    page.textContent = `${Math.min(pages, Math.round(window.scrollTop / Math.max(1, window.clientHeight)) + 1)}/${pages}`;
  };
  window.addEventListener("scroll", told, { passive: true });
  const key = (name, words, by) =>
    el("button", { type: "button", class: "hard-key", onclick: () => turn(by) }, icon(name), spoken(words));
  fill(
    node,
    el(
      "div",
      { class: "device feature" },
      el("div", { class: "earpiece", "aria-hidden": "true" }),
      el(
        "div",
        { class: "lcd" },
        el("div", { class: "lcd-head" }, el("bdi", {}, message.sender || "no sender"), page),
        window,
        el("div", { class: "lcd-foot", "aria-hidden": "true" }, el("span", {}, "Options"), el("span", {}, "Back")),
      ),
      el("div", { class: "hard-keys" }, key("up", "Page up", -1), key("down", "Page down", 1)),
      el(
        "div",
        { class: "keypad", "aria-hidden": "true" },
        ..."123456789*0#".split("").map((digit) => el("span", {}, digit)),
      ),
    ),
    el(
      "p",
      { class: "device-note" },
      ticks(message),
      shown === message.text ? null : " An old phone has no pictures: ▯",
    ),
  );
  told();
}

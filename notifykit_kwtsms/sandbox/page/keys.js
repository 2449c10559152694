// The keyboard map. Single letters work outside of fields and can be switched off; arrows, Enter and Esc always work.

import { el } from "./dom.js";
import { get } from "./settings.js";

/** What the help shows: keys and what they do. */
const MAP = [
  [["j", "k"], "Next, previous message (arrows too, in the list)"],
  [["Enter", "Esc"], "Open, back"],
  [["/"], "Search"],
  [["o"], "Copy the code"],
  [["x", "Shift+x"], "Select, select a range"],
  [["m"], "Read, unread"],
  [["#"], "Delete; a button takes it back"],
  [["u"], "Undo"],
  [["d"], "Next delivery state"],
  [["e"], "Encoding"],
  [["r"], "Request and response"],
  [["c"], "Chaos"],
  [["a"], "Account"],
  [["b"], "Blur numbers and codes"],
  [["t"], "Light, dark, as the system"],
  [["?"], "This help"],
];

const FIELD = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

/** Listens. `letters` maps keys to functions, `always` those that work with letters switched off. */
export function listen(letters, always) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inDialog = document.querySelector("dialog[open]") !== null;
    const act = always[event.key];
    if (act && !inDialog && act(event) !== false) {
      event.preventDefault();
      return;
    }
    if (!get("keys") || event.target.closest?.(FIELD)) return;
    const name =
      event.shiftKey && event.key.length === 1 && event.key !== event.key.toLowerCase()
        ? `Shift+${event.key.toLowerCase()}`
        : event.key;
    const letter = letters[name];
    if (!letter || (inDialog && !["?", "c", "a"].includes(name))) return;
    event.preventDefault();
    letter(event);
  });
}

export function showHelp(body) {
  body.append(
    el(
      "p",
      { class: "muted" },
      get("keys")
        ? "Letters work while no field has the focus. They can be switched off in the settings."
        : "Letters are switched off in the settings.",
    ),
    el(
      "dl",
      { class: "keys" },
      MAP.map(([keys, words]) =>
        el(
          "div",
          {},
          el(
            "dt",
            {},
            keys.map((key, index) => [index ? " " : "", el("kbd", {}, key)]),
          ),
          el("dd", {}, words),
        ),
      ),
    ),
    el("h3", {}, "Search"),
    el("p", {}, "All terms must match; ", el("code", {}, "-"), " turns one round, quotes hold words together."),
    el(
      "ul",
      { class: "plain-list grammar" },
      GRAMMAR.map(([term, words]) => el("li", {}, el("code", {}, term), " ", words)),
    ),
    el(
      "p",
      {},
      el("a", { href: "openapi.json" }, "openapi.json"),
      " describes the API, ",
      el("a", { href: "metrics" }, "metrics"),
      " counts for Prometheus.",
    ),
  );
}

const GRAMMAR = [
  ["to:9659*", "to a number, * for anything"],
  ['text:"your code"', "in the text; a word alone too"],
  ["sender: tag: id: account:", "exactly that"],
  ["is:unread", "read, test, live, accepted, rejected, queued, tagged, batch"],
  ["has:otp", "link, fault, dropped, tag, arabic"],
  ["encoding:ucs2", "or gsm7"],
  ["segments:>1", "cost:>1, units:>70"],
  ["code:ERR013", "refused with it"],
  ["country:965", "by country code"],
  ["fault:reset", "which fault fired"],
  ["after:30m", "before:2026-11-22, in UTC"],
];

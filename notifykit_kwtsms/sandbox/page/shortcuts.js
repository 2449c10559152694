// The keyboard shortcuts, and the help that lists them. Single letters work outside of fields and can be switched off;
// arrows, Enter and Esc always work.

import { el, facts } from "./dom.js";
import { preference } from "./preferences.js";

/** What the help shows: keys and what they do. */
const SHORTCUTS = [
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

/** The terms of the search. */
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

/** Keys that also work while a dialog is open. */
const IN_DIALOG = ["?", "c", "a"];
const FIELD = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

/** Calls functions by key: `letters` while they are switched on, `always` in any case. */
export function listenToKeys(letters, always) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const inDialog = document.querySelector("dialog[open]") !== null;
    const act = always[event.key];
    if (act && !inDialog && act(event) !== false) {
      event.preventDefault();
      return;
    }
    if (!preference("keys") || event.target.closest?.(FIELD)) return;
    const name =
      event.shiftKey && event.key.length === 1 && event.key !== event.key.toLowerCase()
        ? `Shift+${event.key.toLowerCase()}`
        : event.key;
    const letter = letters[name];
    if (!letter || (inDialog && !IN_DIALOG.includes(name))) return;
    event.preventDefault();
    letter(event);
  });
}

export function showHelp(body) {
  const letters = preference("keys")
    ? "Letters work while no field has the focus. They can be switched off in the settings."
    : "Letters are switched off in the settings.";
  const shortcut = ([keys, words]) => [keys.map((key, index) => [index ? " " : "", el("kbd", key)]), words];
  const term = ([name, words]) => el("li", el("code", name), " ", words);
  const link = (name) => el("a", { href: name }, name);
  body.append(
    el("p.muted", letters),
    facts(SHORTCUTS.map(shortcut)),
    el("h3", "Search"),
    el("p", "All terms must match; ", el("code", "-"), " turns one round, quotes hold words together."),
    el("ul.grammar.stack", GRAMMAR.map(term)),
    el("p", link("openapi.json"), " describes the API, ", link("metrics"), " counts for Prometheus."),
  );
}

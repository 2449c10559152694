// The tab "Edits": what notifykit's cleaners would do to the text that arrived, one edit at a time.

import { el, isolated } from "../dom.js";
import { count, encodingName } from "../format.js";
import { badge } from "../rows.js";
import { showText } from "../text.js";
import { section } from "./parts.js";

const SHOWN = 100;

export function showEdits(panel, message) {
  const { cleaned } = message;
  if (!cleaned?.changed) {
    panel.append(
      el("p", { class: "notice good" }, "Nothing to clean: the text arrived as notifykit would send it."),
      section("The text", quote(message)),
    );
    return;
  }
  panel.append(
    el(
      "p",
      { class: "notice plain" },
      cleaned.saves > 0
        ? `Cleaned, this takes ${count(cleaned.segments, "segment")} of ${encodingName(cleaned.encoding)}: ${count(cleaned.saves, "segment")} less.`
        : `Cleaned, this takes ${count(cleaned.segments, "segment")} of ${encodingName(cleaned.encoding)}.`,
    ),
    el(
      "div",
      { class: "sides" },
      section("As it arrived", quote(message)),
      section("Cleaned", quote({ ...message, text: cleaned.text })),
    ),
    section(
      count(cleaned.edits.length, "edit"),
      el("ol", { class: "edits" }, cleaned.edits.slice(0, SHOWN).map(edit)),
      cleaned.edits.length > SHOWN ? el("p", { class: "muted" }, `and ${cleaned.edits.length - SHOWN} more`) : null,
    ),
  );
}

function quote(message) {
  const text = el("p", { class: "quote-text" });
  showText(text, message, { links: false });
  return el("div", { class: "quote" }, text);
}

function edit({ reason, before, after, position, cleaner }) {
  return el(
    "li",
    {},
    el(
      "p",
      { class: "edit-line" },
      el("del", { dir: "auto" }, isolated(shown(before), { class: "glyph" })),
      el("span", { class: "arrow" }, "→"),
      after === "" ? badge("removed") : el("ins", { dir: "auto" }, isolated(shown(after), { class: "glyph" })),
    ),
    el("p", { class: "muted" }, `${reason} · position ${position + 1} · ${cleaner}`),
  );
}

/** What can't be seen is shown by its code point. */
function shown(text) {
  if (text === "") return "nothing";
  if (/[^\p{C}\p{Z}]/u.test(text)) return text;
  return [...text]
    .map((character) =>
      character === " " ? "␣" : `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
    )
    .join(" ");
}

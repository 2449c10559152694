// The tabs "Encoding" (how full the segments are, which characters made it Unicode, what replacing them saves) and
// "Edits" (what notifykit's cleaners would do to the text that arrived).

import { badge, el, hiddenText, isolated, notice, section } from "./dom.js";
import { codePoint, count, drawSegmentMarks, encodingName, forcedRanges, highlight } from "./format.js";
import { quote, rangeOf, showText } from "./format.js";
import { cost } from "./message_tabs.js";

/** Rows of the list of characters at once, and edits. */
const SHOWN = 40;
const SHOWN_EDITS = 100;
/** The reason that needs no saying. */
const USUAL = "not in GSM-7";

const glyph = (text, kind = "") => isolated(text, { class: `glyph ${kind}` });
const furtherItems = (all, shown) => all > shown && el("p.muted", `and ${all - shown} more`);

export function showEncoding(panel, message) {
  const { analysis } = message;
  const [frame, text] = quote(message, { links: false });
  const marks = el("div.marks", { "aria-hidden": "true" });
  frame.classList.add("marked");
  frame.append(marks);
  panel.append(meter(message), frame);
  if (message.encoding !== "gsm7") panel.append(saving(message.savings));
  panel.append(forcedCharacters(message, text));
  if (analysis.segments > 1) panel.append(segmentList(message));
  panel.append(cost(message));
  drawSegmentMarks(marks, text, analysis.starts16);
  highlight("forced", "panel", forcedRanges(text, message.text, analysis.forced));
}

function meter({ analysis }) {
  const { encoding, units, segments, room, capacity } = analysis;
  const left = analysis["units-left"];
  const bar = el("div.meter", { role: "img", "aria-label": `${units} of ${capacity} units used` });
  for (let part = 0; part < Math.min(segments, 40); part += 1) {
    const used = el("span.meter-used");
    used.style.inlineSize = part < segments - 1 ? "100%" : `${(100 * (room - left)) / room}%`;
    bar.append(el("span.meter-part", used));
  }
  const share = segments === 1 ? `${units}/${room}` : `${units} → ${segments} segments of ${room}`;
  const rule =
    encoding === "gsm7"
      ? "Septets: 160 fit into one segment, 153 into each of several."
      : "UTF-16 units: 70 fit into one segment, 67 into each of several.";
  const words = el("strong.figure", `${encodingName(encoding)} ${share}`);
  return el(
    `div.encoding-head.stack.${encoding}`,
    el("p.meter-words", words, " ", el("span.muted.figure", `· ${left} left`)),
    bar,
    el("p.muted", rule),
  );
}

function saving(savings) {
  if (!savings) return notice("plain", "Replacing characters would save nothing.");
  const { segments, saves, points, replace } = savings;
  const encoding = encodingName(savings.encoding);
  const effect = saves
    ? ` with ${count(segments, "segment")}: saves ${count(saves, "segment")}, ${count(points, "point")}.`
    : "; it saves no segment.";
  const replacements = replace.map(({ character, nearest }) => [
    glyph(character),
    " → ",
    glyph(nearest || "nothing"),
    "  ",
  ]);
  return notice(saves ? "success" : "plain", `Replaced, this is ${encoding}${effect}`, el("p", replacements));
}

function forcedCharacters(message, text) {
  const { forced } = message.analysis;
  if (!forced.length) return section("What forced Unicode", el("p.muted", "Nothing: every character is in GSM-7."));
  const groups = new Map();
  for (const item of forced) {
    if (!groups.has(item.character)) groups.set(item.character, { ...item, places: [] });
    groups.get(item.character).places.push(item);
  }
  const heads = ["Character", "Position", "GSM-7", "Saves"].map((words) => el("th", { scope: "col" }, words));
  const rows = [...groups.values()].slice(0, SHOWN).map((group) => forcedRow(group, text));
  return section(
    `What forced Unicode (${count(forced.length, "character")})`,
    el("table.forced", el("thead", el("tr", heads)), el("tbody", rows)),
    furtherItems(groups.size, rows.length),
  );
}

function forcedRow(group, text) {
  const { code, character, name, reason, nearest, saves, places } = group;
  const positions = places.slice(0, 6).map(({ position }) => position + 1);
  const further = places.length > 6 ? ` and ${places.length - 6} more` : "";
  const attributes = {
    data: { focus: `find ${code}` },
    title: "Show it in the text",
    onclick: () => find(group, text),
  };
  const button = el("button.find", attributes, glyph(visible(character)), hiddenText(", show it in the text"));
  const words = el(
    "span.tiny",
    el("span.mono", codePoint(code)),
    ` ${name.toLowerCase()}`,
    reason !== USUAL && el("span.muted", ` · ${reason}`),
  );
  const none = el("span.muted", "none");
  const replacement = nearest === "" ? isolated("leave out") : nearest === null ? none : glyph(visible(nearest));
  return el(
    "tr",
    el("th", { scope: "row" }, el("div.cluster", button, words)),
    el("td.figure", positions.join(", ") + further),
    el("td", replacement),
    el("td.figure", saves ? badge(count(saves, "segment"), "success") : el("span.muted", "0")),
  );
}

/** Highlights a character wherever it stands in the text, and scrolls to the first place. */
function find({ places }, text) {
  const ranges = places
    .map(({ position16, character }) => rangeOf(text, position16, position16 + character.length))
    .filter(Boolean);
  highlight("forced-current", "panel", ranges);
  const frame = text.closest(".quote");
  const top = ranges[0]?.getBoundingClientRect().top ?? 0;
  const { top: start, bottom: end } = frame.getBoundingClientRect();
  if (top < start || top > end - 20) frame.scrollTop += top - start - 20;
  else frame.scrollIntoView({ block: "nearest" });
}

function segmentList({ text, analysis }) {
  const starts = [...analysis.starts16, text.length];
  const items = analysis.starts16.slice(0, SHOWN).map((start, index) => {
    const part = { text: text.slice(start, starts[index + 1]), otp: null, links: [] };
    const wasted = analysis.wasted?.[index] ?? 0;
    const why = "A pair of units does not fit into what was left";
    return el(
      "li",
      showText(el("span.segment-text.private"), part),
      wasted > 0 && badge(`${count(wasted, "unit")} wasted`, "warning", why),
    );
  });
  return section("Segments", el("ol.segments.stack", items));
}

/** Returns a character, or a sign for one that can't be seen. */
const visible = (character) => (/^[\p{C}\p{Z}]$/u.test(character) ? "␣" : character);

export function showEdits(panel, message) {
  const { cleaned } = message;
  const quoted = (text) => quote({ ...message, text }, { links: false })[0];
  if (!cleaned?.changed) {
    panel.append(
      notice("success", "Nothing to clean: the text arrived as notifykit would send it."),
      section("The text", quoted(message.text)),
    );
    return;
  }
  const { segments, saves, edits } = cleaned;
  const size = `Cleaned, this takes ${count(segments, "segment")} of ${encodingName(cleaned.encoding)}`;
  panel.append(
    notice("plain", saves > 0 ? `${size}: ${count(saves, "segment")} less.` : `${size}.`),
    el("div.side-by-side", section("As it arrived", quoted(message.text)), section("Cleaned", quoted(cleaned.text))),
    section(
      count(edits.length, "edit"),
      el("ol.edits.stack", edits.slice(0, SHOWN_EDITS).map(edit)),
      furtherItems(edits.length, SHOWN_EDITS),
    ),
  );
}

function edit({ reason, before, after, position, cleaner }) {
  return el(
    "li",
    el(
      "p.cluster",
      el("del", { dir: "auto" }, glyph(spelled(before), "error")),
      el("span.arrow", "→"),
      after === "" ? badge("removed") : el("ins", { dir: "auto" }, glyph(spelled(after), "success")),
    ),
    el("p.muted", `${reason} · position ${position + 1} · ${cleaner}`),
  );
}

/** Returns a text, or the code points of one that can't be seen. */
function spelled(text) {
  if (text === "") return "nothing";
  if (/[^\p{C}\p{Z}]/u.test(text)) return text;
  return [...text].map((character) => (character === " " ? "␣" : codePoint(character.codePointAt(0)))).join(" ");
}

// The tab "Encoding": how full the segments are, which characters made it Unicode, and what replacing them saves.

import { el, isolated, spoken } from "../dom.js";
import { count, encodingName } from "../format.js";
import { badge } from "../rows.js";
import { drawMarks, forcedRanges, highlight, rangeOf, showText } from "../text.js";
import { cost } from "./message.js";
import { section } from "./parts.js";

/** Rows of the list of characters at once. */
const SHOWN = 40;
/** The reason that needs no saying. */
const USUAL = "not in GSM-7";

export function showEncoding(panel, message) {
  const { analysis } = message;
  const text = el("p", { class: "quote-text" });
  showText(text, message, { links: false });
  const marks = el("div", { class: "marks", "aria-hidden": "true" });
  const quote = el("div", { class: "quote marked" }, text, marks);
  panel.append(meter(message), quote, saving(message), forced(message, text), boundaries(message), cost(message));
  drawMarks(marks, text, analysis.starts16);
  highlight("forced", "panel", forcedRanges(text, message.text, analysis.forced));
}

function meter(message) {
  const { analysis } = message;
  const { encoding, units, segments, room, capacity } = analysis;
  const bar = el("div", { class: "meter", role: "img", "aria-label": `${units} of ${capacity} units used` });
  for (let part = 0; part < Math.min(segments, 40); part += 1) {
    const used = part < segments - 1 ? room : room - analysis["units-left"];
    const fillNode = el("span", { class: "meter-fill" });
    fillNode.style.inlineSize = `${Math.min(100, (100 * used) / room)}%`;
    bar.append(el("span", { class: "meter-part" }, fillNode));
  }
  const first =
    segments === 1
      ? `${encodingName(encoding)} ${units}/${room}`
      : `${encodingName(encoding)} ${units} → ${segments} segments of ${room}`;
  return el(
    "div",
    { class: `encoding-head ${encoding}` },
    el(
      "p",
      { class: "meter-words" },
      el("strong", { class: "figure" }, first),
      " ",
      el("span", { class: "muted figure" }, `· ${analysis["units-left"]} left`),
    ),
    bar,
    el(
      "p",
      { class: "muted" },
      encoding === "gsm7"
        ? "Septets: 160 fit into one segment, 153 into each of several."
        : "UTF-16 units: 70 fit into one segment, 67 into each of several.",
    ),
  );
}

function saving(message) {
  const { savings } = message;
  if (message.encoding === "gsm7") return "";
  if (!savings) return el("p", { class: "notice plain" }, "Replacing characters would save nothing.");
  const words = savings.replace.map(({ character, nearest }) => [
    isolated(character, { class: "glyph" }),
    " → ",
    isolated(nearest || "nothing", { class: "glyph" }),
    "  ",
  ]);
  const text = savings.saves
    ? `Replaced, this is ${encodingName(savings.encoding)} with ${count(savings.segments, "segment")}: saves ${count(savings.saves, "segment")}, ${count(savings.points, "point")}.`
    : `Replaced, this is ${encodingName(savings.encoding)}; it saves no segment.`;
  return el(
    "div",
    { class: savings.saves ? "notice good" : "notice plain" },
    el("p", {}, text),
    el("p", { class: "replacements" }, words),
  );
}

function forced(message, text) {
  const { forced: items } = message.analysis;
  if (!items.length)
    return section("What forced Unicode", el("p", { class: "muted" }, "Nothing: every character is in GSM-7."));
  const groups = new Map();
  for (const item of items) {
    const group = groups.get(item.character);
    if (group) group.positions.push(item);
    else groups.set(item.character, { ...item, positions: [item] });
  }
  const shown = [...groups.values()].slice(0, SHOWN);
  return section(
    `What forced Unicode (${count(items.length, "character")})`,
    el(
      "table",
      { class: "forced" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ["Character", "Position", "GSM-7", "Saves"].map((words) => el("th", { scope: "col" }, words)),
        ),
      ),
      el(
        "tbody",
        {},
        shown.map((group) => row(group, text)),
      ),
    ),
    groups.size > shown.length ? el("p", { class: "muted" }, `and ${groups.size - shown.length} more`) : null,
  );
}

function row(group, text) {
  const places = group.positions.map(({ position }) => position + 1);
  const some = places.slice(0, 6).join(", ") + (places.length > 6 ? ` and ${places.length - 6} more` : "");
  const find = () => {
    const ranges = group.positions
      .map(({ position16, character }) => rangeOf(text, position16, position16 + character.length))
      .filter(Boolean);
    highlight("forced-current", "panel", ranges);
    const holder = text.closest(".quote");
    const top = ranges[0]?.getBoundingClientRect().top ?? 0;
    const { top: start, bottom: end } = holder.getBoundingClientRect();
    if (top < start || top > end - 20) holder.scrollTop += top - start - 20;
    else holder.scrollIntoView({ block: "nearest" });
  };
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      el(
        "div",
        { class: "glyph-cell" },
        el(
          "button",
          {
            type: "button",
            class: "find",
            data: { focus: `find ${group.code}` },
            title: "Show it in the text",
            onclick: find,
          },
          isolated(visible(group.character), { class: "glyph" }),
          spoken(", show it in the text"),
        ),
        el(
          "span",
          { class: "glyph-name" },
          el("span", { class: "mono" }, `U+${group.code.toString(16).toUpperCase().padStart(4, "0")}`),
          " ",
          group.name.toLowerCase(),
          group.reason === USUAL ? null : el("span", { class: "muted" }, ` · ${group.reason}`),
        ),
      ),
    ),
    el("td", { class: "figure" }, some),
    el(
      "td",
      {},
      group.nearest === null
        ? el("span", { class: "muted" }, "none")
        : isolated(group.nearest === "" ? "leave out" : visible(group.nearest), {
            class: group.nearest === "" ? "" : "glyph",
          }),
    ),
    el(
      "td",
      { class: "figure" },
      group.saves ? badge(count(group.saves, "segment"), "good") : el("span", { class: "muted" }, "0"),
    ),
  );
}

function boundaries(message) {
  const { analysis } = message;
  if (analysis.segments < 2) return "";
  const starts = [...analysis.starts16, message.text.length];
  const items = analysis.starts16.slice(0, SHOWN).map((start, index) => {
    const part = message.text.slice(start, starts[index + 1]);
    const wasted = analysis.wasted?.[index] ?? 0;
    const line = el("span", { class: "segment-text private" });
    showText(line, { text: part, otp: null, links: [] });
    return el(
      "li",
      {},
      line,
      wasted
        ? badge(`${count(wasted, "unit")} wasted`, "odd", "A pair of units does not fit into what was left")
        : null,
    );
  });
  return section("Segments", el("ol", { class: "segments" }, items));
}

/** A character that shows, where it is one that doesn't. */
function visible(character) {
  return /^[\p{C}\p{Z}]$/u.test(character) ? "␣" : character;
}

// The text of a message as nodes: codes in <bdi>, links as links, everything else as it came. And the way back from an
// offset in the text to a place in the document, for marks and highlights.

import { el, fill } from "./dom.js";

const CODE = /(?<!\p{Nd})\p{Nd}{4,8}(?!\p{Nd})/u;
const ARABIC = /\p{Script=Arabic}/u;

/** Shows a text in an element. `links` are the addresses that the sandbox found in it. */
export function showText(node, message, { links = true } = {}) {
  const { text } = message;
  node.dir = "auto";
  if (ARABIC.test(text)) node.lang = "ar";
  else node.removeAttribute("lang");
  return fill(node, partsOf(text, message, links));
}

function partsOf(text, message, links) {
  const marks = [];
  const code = message.otp ? CODE.exec(text) : null;
  if (code) marks.push({ start: code.index, end: code.index + code[0].length, make: codeNode });
  if (links) {
    let from = 0;
    for (const link of message.links ?? []) {
      const start = text.indexOf(link, from);
      if (start < 0) continue;
      from = start + link.length;
      marks.push({ start, end: from, make: linkNode });
    }
  }
  marks.sort((one, two) => one.start - two.start);
  const parts = [];
  let at = 0;
  for (const { start, end, make } of marks) {
    if (start < at) continue;
    parts.push(text.slice(at, start), make(text.slice(start, end)));
    at = end;
  }
  parts.push(text.slice(at));
  return parts.filter((part) => part !== "");
}

function codeNode(code) {
  return el("bdi", { dir: "ltr", class: "code private" }, code);
}

function linkNode(link) {
  // The page itself never follows it; a person may.
  if (!/^https?:\/\//i.test(link)) return link;
  return el("a", { href: link, target: "_blank", rel: "noopener noreferrer", dir: "ltr" }, link);
}

/** Returns the range of the document that shows `text.slice(start, end)`; null where it is not shown. */
export function rangeOf(node, start, end) {
  const range = document.createRange();
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  let at = 0;
  let begun = false;
  for (let part = walker.nextNode(); part; part = walker.nextNode()) {
    const until = at + part.length;
    if (!begun && start < until) {
      range.setStart(part, start - at);
      begun = true;
    }
    if (begun && end <= until) {
      range.setEnd(part, end - at);
      return range;
    }
    at = until;
  }
  return null;
}

const groups = new Map();

/**
 * Gives the ranges of one owner a background by the CSS Custom Highlight API: no element is added, so Arabic letters
 * stay joined. `name` is what the style sheet calls it.
 */
export function highlight(name, owner, ranges) {
  if (!("highlights" in CSS)) return;
  const owners = groups.get(name) ?? new Map();
  groups.set(name, owners);
  if (ranges.length) owners.set(owner, ranges);
  else owners.delete(owner);
  CSS.highlights.set(name, new Highlight(...[...owners.values()].flat()));
}

/** The ranges of the characters that forced Unicode; none where the whole text is of another script. */
export function forcedRanges(node, text, forced) {
  if (forced.length * 2 > [...text].length) return [];
  return forced
    .map((item) => rangeOf(node, item.position16, item.position16 + item.character.length))
    .filter((range) => range !== null);
}

/** Draws a thin mark where each segment but the first begins. Nothing is put into the text itself. */
export function drawMarks(layer, node, starts) {
  const frame = layer.getBoundingClientRect();
  const marks = starts.slice(1).map((start, index) => {
    const box = rangeOf(node, start, start + 1)?.getClientRects()[0];
    if (!box) return null;
    // A space or a stop goes the way of the text around it.
    const character = String.fromCodePoint(node.textContent.codePointAt(start) ?? 32);
    const rtl = /[\p{L}\p{N}]/u.test(character) ? ARABIC.test(character) : getComputedStyle(node).direction === "rtl";
    const mark = el("span", { class: "segment-mark", data: { segment: index + 2 } });
    // Two pixels beside the letter, on the side where its segment begins.
    mark.style.left = `${(rtl ? box.right : box.left - 2) - frame.left}px`;
    mark.style.top = `${box.top - frame.top}px`;
    mark.style.height = `${box.height}px`;
    return mark;
  });
  fill(layer, marks);
}

// How times, numbers, states and the text of a message are shown. The text is made of nodes: codes in <bdi>, links as
// links, everything else as it came; and an offset in the text leads back to a place in the document.

import { el, fill } from "./dom.js";

const MINUTES = { hour: "2-digit", minute: "2-digit" };
const SECONDS = { ...MINUTES, second: "2-digit" };

function timeFormat(options) {
  const format = new Intl.DateTimeFormat("en-GB", options);
  return (moment) => format.format(new Date(moment));
}

export const dayName = timeFormat({ day: "numeric", month: "short" });
export const minuteTime = timeFormat(MINUTES);
/** The time at the gateway, three hours ahead of UTC; the sign of this zone's name is turned round. */
export const gatewayTime = timeFormat({ ...SECONDS, timeZone: "Etc/GMT-3" });
export const universalTime = timeFormat({ ...SECONDS, timeZone: "UTC" });
const secondTime = timeFormat(SECONDS);
export const fullTime = (iso) => `${dayName(iso)}, ${secondTime(iso)}`;

/** Returns `14:02`, or `3 Mar` for another day than today. */
export function shortTime(iso) {
  return new Date(iso).toDateString() === new Date().toDateString() ? minuteTime(iso) : dayName(iso);
}

const decimal = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
export const number = (value) => (typeof value === "number" ? decimal.format(value) : String(value ?? "–"));

/** Returns `1 point`, `2 points`. */
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

/** Returns a phone number with the spaces of its country, where they are known; anything else as it is. */
export function phoneNumber(given) {
  const text = String(given);
  const kuwait = /^965(\d{4})(\d{4})$/.exec(text);
  if (kuwait) return `+965 ${kuwait[1]} ${kuwait[2]}`;
  return /^\d{9,15}$/.test(text) ? `+${text}` : text;
}

/** Returns who a message went to, in few words. */
export const recipients = ({ to }) => (to.length === 1 ? phoneNumber(to[0]) : count(to.length, "number"));

export const codePoint = (code) => `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;

export const encodingName = (encoding) => (encoding === "gsm7" ? "GSM-7" : "Unicode");

const STATES = {
  queued: "Queued",
  sent: "Sent",
  stuck: "Stuck in the queue",
  delivered: "Delivered",
  failed: "Failed",
  expired: "Expired",
  blacklisted: "Blacklisted",
  "switched-off": "Phone switched off",
  deleted: "Deleted from the queue",
  refused: "Refused",
  cut: "Never reached the gateway",
};
export const stateName = (state) => STATES[state] ?? String(state);

const CODE = /(?<!\p{Nd})\p{Nd}{4,8}(?!\p{Nd})/u;
const ARABIC = /\p{Script=Arabic}/u;

/** Shows a text in an element. `message.links` are the addresses that the sandbox found in it. */
export function showText(node, message, { links = true } = {}) {
  node.dir = "auto";
  if (ARABIC.test(message.text)) node.lang = "ar";
  else node.removeAttribute("lang");
  return fill(node, textNodes(message, links));
}

/** Returns the element of a quoted text, in a frame. */
export function quote(message, options) {
  const text = showText(el("p.quote-text"), message, options);
  return [el("div.quote", text), text];
}

function textNodes(message, links) {
  const { text } = message;
  const spans = [];
  const code = message.otp ? CODE.exec(text) : null;
  if (code) spans.push({ start: code.index, end: code.index + code[0].length, make: codeNode });
  let from = 0;
  for (const link of links ? (message.links ?? []) : []) {
    const start = text.indexOf(link, from);
    if (start < 0) continue;
    from = start + link.length;
    spans.push({ start, end: from, make: linkNode });
  }
  spans.sort((one, two) => one.start - two.start);
  const nodes = [];
  let at = 0;
  for (const { start, end, make } of spans) {
    if (start < at) continue;
    nodes.push(text.slice(at, start), make(text.slice(start, end)));
    at = end;
  }
  nodes.push(text.slice(at));
  return nodes.filter((node) => node !== "");
}

const codeNode = (code) => el("bdi.code.private", { dir: "ltr" }, code);

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

const highlights = new Map();

/**
 * Gives the ranges of one owner a background by the CSS Custom Highlight API: no element is added, so Arabic letters
 * stay joined. `name` is what the style sheet calls it.
 */
export function highlight(name, owner, ranges) {
  if (!("highlights" in CSS)) return;
  const owners = highlights.get(name) ?? new Map();
  highlights.set(name, owners.set(owner, ranges));
  CSS.highlights.set(name, new Highlight(...[...owners.values()].flat()));
}

/** Returns the ranges of the characters that forced Unicode; none where most of the text is of another script. */
export function forcedRanges(node, text, forced) {
  if (forced.length * 2 > [...text].length) return [];
  return forced.map((item) => rangeOf(node, item.position16, item.position16 + item.character.length)).filter(Boolean);
}

/** Draws a thin mark where each segment but the first begins. Nothing is put into the text itself. */
export function drawSegmentMarks(layer, node, starts) {
  const frame = layer.getBoundingClientRect();
  const marks = starts.slice(1).map((start, index) => {
    const box = rangeOf(node, start, start + 1)?.getClientRects()[0];
    if (!box) return null;
    // A space or a full stop goes the way of the text around it.
    const character = String.fromCodePoint(node.textContent.codePointAt(start) ?? 32);
    const rtl = /[\p{L}\p{N}]/u.test(character) ? ARABIC.test(character) : getComputedStyle(node).direction === "rtl";
    const mark = el("span.segment-mark", { data: { segment: index + 2 } });
    // Two pixels beside the letter, on the side where its segment begins.
    mark.style.left = `${(rtl ? box.right : box.left - 2) - frame.left}px`;
    mark.style.top = `${box.top - frame.top}px`;
    mark.style.height = `${box.height}px`;
    return mark;
  });
  fill(layer, marks);
}

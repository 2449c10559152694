// What the rows of both lists have in common: a box to select, a link to open, two lines and badges.

import { el, icon, set, spoken } from "./dom.js";
import { count, encodingName, fullTime, shortTime } from "./format.js";
import { showText } from "./text.js";

/** Makes the parts of a row; `onpick(event)` is told of a click on the box. */
export function rowParts(onpick) {
  const box = el("input", { type: "checkbox", tabindex: -1 });
  const pick = el("label", { class: "pick" }, box);
  box.addEventListener("click", onpick);
  const link = el(
    "a",
    { class: "row-link", tabindex: -1, draggable: "false" },
    el(
      "span",
      { class: "row-line" },
      el("span", { class: "row-title private" }),
      el("span", { class: "row-note" }),
      el("time", { class: "row-time" }),
    ),
    el("span", { class: "row-line" }, el("span", { class: "row-text" }), el("span", { class: "badges" })),
  );
  return [pick, link];
}

/** Brings a row up to date. */
export function updateRow(row, item, { active, current, selected }) {
  const { href, title, note, message, unread } = item;
  const part = (selector) => row.querySelector(selector);
  const link = part(".row-link");
  set(link, { href, "aria-current": current ? "true" : null, tabindex: active ? 0 : -1 });
  const box = part("input");
  box.checked = selected;
  box.tabIndex = active ? 0 : -1;
  row.classList.toggle("selected", selected);
  row.classList.toggle("unread", unread > 0);
  row.classList.toggle("current", current);
  const stamp = `${message.id} ${message.state} ${unread} ${title} ${note} ${message.queued}`;
  if (row.dataset.stamp === stamp) return;
  row.dataset.stamp = stamp;
  set(box, { "aria-label": `Select ${item.name}` });
  part(".row-title").replaceChildren(title);
  part(".row-note").replaceChildren(note ?? "");
  set(part(".row-time"), { datetime: message.at, title: fullTime(message.at) }).textContent = shortTime(message.at);
  showText(part(".row-text"), { ...message, text: firstLine(message.text) }, { links: false });
  part(".badges").replaceChildren(...item.badges());
}

const firstLine = (text) => (text.length > 140 ? text.slice(0, 140) : text).replace(/\s+/g, " ") || "(empty)";

/** The badges of a message: words, never colour alone. */
export function badgesOf(message) {
  const badges = [];
  if (message.agrees === false) badges.push(badge("Points differ", "bad"));
  if (!message.accepted) badges.push(badge(message.code ?? (message.state === "cut" ? "Cut" : "Refused"), "bad"));
  if (message.fault) badges.push(badge("Fault", "odd", message.fault));
  if (message.queued) badges.push(badge("Test", "test", "In the queue; no phone gets it"));
  if (message.encoding !== "gsm7") badges.push(badge(encodingName(message.encoding), "unicode"));
  if (message.segments > 1) badges.push(badge(`${message.segments}×`, "plain", count(message.segments, "segment")));
  return badges;
}

/** A small word in a frame. */
export function badge(words, kind = "plain", title = null) {
  const longer = title && title !== words ? spoken(`, ${title}`) : null;
  return el("span", { class: `badge ${kind}`, title }, words, longer);
}

export function unreadBadge(unread) {
  return el("span", { class: "badge unread-count" }, String(unread), spoken(" unread"));
}

export { icon };

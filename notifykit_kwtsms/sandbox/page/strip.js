// The line of figures on top.

import { el, fill } from "./dom.js";
import { number } from "./format.js";

const figures = {};
let node = null;

const LINKS = { live: "Live", waiting: "Reconnecting", off: "Connecting" };

function figure(name, words, extra = "") {
  const value = el("dd", { class: "figure" }, "–");
  figures[name] = value;
  return el("div", { class: `stat ${extra}`, data: { stat: name } }, el("dt", {}, words), value);
}

export function makeStrip(element) {
  node = element;
  fill(
    node,
    figure("link", "Link"),
    figure("messages", "Messages"),
    figure("segments", "Segments"),
    figure("points", "Points"),
    figure("balance", "Balance"),
    figure("rate", "Rate"),
    figure("chaos", "Chaos"),
  );
  showLink("off");
}

export function showLink(state) {
  fill(figures.link, el("span", { class: `lamp ${state}`, "aria-hidden": "true" }), LINKS[state]);
}

/** Shows the figures of the sandbox. */
export function showStats(stats) {
  put("messages", stats.messages);
  put("segments", stats.segments);
  put("points", stats.points);
  put("balance", stats.balance);
  const { now = 0, limit = null } = stats.rate ?? {};
  const blocked = Object.keys(stats.blocked ?? {}).length > 0;
  figures.rate.textContent = blocked ? "Blocked" : limit === null ? `${now}/s` : `${now} of ${limit}/s`;
  figures.rate.parentNode.classList.toggle("alarm", blocked || (limit !== null && now >= limit));
  showChaos(stats);
}

export function showBalance(balance) {
  put("balance", balance);
}

export function showCount(messages) {
  put("messages", messages);
}

export function showChaos({ preset, armed }) {
  figures.chaos.textContent = preset ?? (armed ? `${armed} armed` : "Calm");
  figures.chaos.parentNode.classList.toggle("alarm", armed > 0);
}

function put(name, value) {
  const words = number(value);
  if (figures[name].textContent !== words) figures[name].textContent = words;
}

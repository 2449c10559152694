// The line on top: the figures of the sandbox, and the buttons that open the panels.

import { toggleDialog } from "./dialog.js";
import { el, fill, icon, set } from "./dom.js";
import { number } from "./format.js";
import { nextTheme, preference, toggleBlur } from "./preferences.js";

const STATS = {
  link: "Link",
  messages: "Messages",
  segments: "Segments",
  points: "Points",
  balance: "Balance",
  rate: "Rate",
  chaos: "Chaos",
};
const CONNECTIONS = { live: "Live", waiting: "Reconnecting", off: "Connecting" };

const values = {};

/** Draws the figures, which are not known yet, and a button for each panel, `[name, words]`. */
export function makeHeader(stats, tools, panels) {
  for (const name of Object.keys(STATS)) values[name] = el("dd.figure", "–");
  const stat = ([name, words]) => el("div.stat", { data: { stat: name } }, el("dt", words), values[name]);
  fill(stats, Object.entries(STATS).map(stat));
  showConnection("off");
  const button = (name, words, attributes) =>
    el("button.quiet", { title: words, ...attributes }, icon(name), el("span.tool-name", words));
  fill(
    tools,
    button("blur", "Blur", { id: "blur-switch", title: "Blur numbers and codes", onclick: toggleBlur }),
    button("theme", "Theme", { title: "Light, dark, as the system", onclick: nextTheme }),
    panels.map(([name, words]) =>
      button(name, words, { "aria-haspopup": "dialog", onclick: () => toggleDialog(name) }),
    ),
  );
  showBlur();
}

export function showBlur() {
  set(document.getElementById("blur-switch"), { "aria-pressed": String(preference("blur")) });
}

export function showConnection(state) {
  fill(values.link, el(`span.status-dot.${state}`, { "aria-hidden": "true" }), CONNECTIONS[state]);
}

/** Shows those figures that are given: `messages`, `segments`, `points`, `balance`. */
export function showFigures(figures) {
  for (const name of ["messages", "segments", "points", "balance"]) {
    if (name in figures) setText(name, number(figures[name]));
  }
}

/** Shows the requests of the last second against the limit. */
export function showRate({ rate, blocked }) {
  const { now = 0, limit = null } = rate ?? {};
  const isBlocked = Object.keys(blocked ?? {}).length > 0;
  setText("rate", isBlocked ? "Blocked" : limit === null ? `${now}/s` : `${now} of ${limit}/s`);
  setAlarm("rate", isBlocked || (limit !== null && now >= limit));
}

export function showFaultState({ preset, armed }) {
  setText("chaos", preset ?? (armed ? `${armed} active` : "Calm"));
  setAlarm("chaos", armed > 0);
}

function setText(name, words) {
  if (values[name].textContent !== words) values[name].textContent = words;
}

const setAlarm = (name, on) => values[name].parentNode.classList.toggle("alarm", on);

// Pieces that several tabs are made of.

import { el } from "../dom.js";

/** A heading with what stands below it. */
export function section(title, ...children) {
  return el("section", { class: "block" }, el("h3", {}, title), children);
}

/** A list of facts, `[name, value]`; a value of null leaves the fact out. */
export function facts(...pairs) {
  return el(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

/** JSON, indented, each line by itself; what should be blurred is. */
export function json(value) {
  const lines = JSON.stringify(value, null, 2).split("\n");
  return el(
    "pre",
    { class: "code-block", dir: "ltr", tabindex: 0 },
    lines.map((line) => [codeLine(line), "\n"]),
  );
}

const PRIVATE = /^\s*"(?:mobile|message|to|text|number|otp|before|after)":/;
const PAIR = /^(\s*)("(?:[^"\\]|\\.)*")(:\s)(.*)$/;

function codeLine(line) {
  const pair = PAIR.exec(line);
  if (!pair) return el("span", { class: "line private" }, line);
  const [, space, key, colon, value] = pair;
  return el(
    "span",
    { class: "line" },
    space,
    el("span", { class: /^"\d{6,}"$/.test(key) ? "key private" : "key" }, key),
    colon,
    el("bdi", { class: PRIVATE.test(line) ? "value private" : "value" }, value),
  );
}

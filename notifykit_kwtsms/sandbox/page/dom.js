// Elements from plain values, and the components that several panels share. Text goes in as text; nothing here reads
// markup.

const SVG = "http://www.w3.org/2000/svg";

/** Sets attributes; `on…` are listeners, `data` the data attributes, false and null remove an attribute. */
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "data") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value === false || value === null || value === undefined) node.removeAttribute(name);
    else node.setAttribute(name, String(value));
  }
  return node;
}

/**
 * Returns a new element: `el("p.muted", { title: "x" }, "text", child)`. The attributes may be left out. Children are
 * nodes, lists of them, or values that are shown as text; null and false are left out.
 */
export function el(selector, ...rest) {
  const [tag, ...classes] = selector.split(".");
  const node = document.createElement(tag);
  if (tag === "button") node.type = "button"; // it submits nothing unless it says so
  if (classes.length) node.className = classes.join(" ");
  const attributes = rest.length && Object.getPrototypeOf(rest[0] ?? "") === Object.prototype ? rest.shift() : {};
  return fill(set(node, attributes), rest);
}

/** Replaces the children of an element. */
export function fill(node, ...children) {
  const shown = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  node.replaceChildren(...shown.map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

/** Returns text for screen readers alone. */
export const hiddenText = (text) => el("span.visually-hidden", text);

/** Returns text, a number or a code whose direction is its own. */
export const isolated = (text, attributes = {}) => el("bdi", attributes, text);

/** Returns a number of a phone, which privacy mode blurs. */
export const privateNumber = (number) => isolated(number, { dir: "ltr", class: "private figure" });

/** Returns a drawing that is hidden from screen readers: the text beside it says the same. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  set(svg, { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true", focusable: "false" });
  for (const d of ICONS[name]) svg.append(set(document.createElementNS(SVG, "path"), { d }));
  return svg;
}

/** Returns a small word in a frame. */
export function badge(words, kind = "plain", title = null) {
  return el(`span.badge.${kind}`, { title }, words, title && title !== words ? hiddenText(`, ${title}`) : null);
}

export const unreadBadge = (unread) => el("span.badge.unread-count", unread, hiddenText(" unread"));

/** Returns a heading with what stands below it. */
export const section = (title, ...children) => el("section.block.stack", el("h3", title), children);

/** Returns a box of its own colour; `kind` is error, warning, success, test or plain. */
export const notice = (kind, words, ...children) => el(`div.notice.stack.${kind}`, el("p", words), children);

/** Returns a list of facts, `[name, value]`; a value of null leaves the fact out. */
export function facts(pairs, classes = "") {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined);
  return el(
    `dl.facts.stack${classes}`,
    shown.map(([name, value]) => el("div", el("dt", name), el("dd", value))),
  );
}

const PRIVATE = /^\s*"(?:mobile|message|to|text|number|otp|before|after)":/;
const PAIR = /^(\s*)("(?:[^"\\]|\\.)*")(:\s)(.*)$/;

/** Returns indented JSON, each line by itself, so that privacy mode can blur some of them. */
export function jsonBlock(value) {
  const lines = JSON.stringify(value, null, 2).split("\n");
  return el(
    "pre.code-block",
    { dir: "ltr", tabindex: 0 },
    lines.map((line) => [jsonLine(line), "\n"]),
  );
}

function jsonLine(line) {
  const pair = PAIR.exec(line);
  if (!pair) return el("span.line.private", line);
  const [, space, key, colon, value] = pair;
  return el(
    "span.line",
    space,
    el("span", { class: /^"\d{6,}"$/.test(key) ? "key private" : "key" }, key),
    colon,
    isolated(value, { class: PRIVATE.test(line) ? "value private" : "value" }),
  );
}

/** Returns a form control with its label. */
export const field = (words, control) => el("label.field", el("span", words), control);

/** Returns a select; a choice is a value or `[value, words]`. `focus` names it for when its panel is drawn again. */
export function select(choices, chosen, onchange, focus) {
  const options = choices.map((choice) => {
    const [value, words] = Array.isArray(choice) ? choice : [choice, choice];
    return el("option", { value, selected: value === chosen }, words);
  });
  return el("select", { data: { focus }, onchange: (event) => onchange(event.target.value) }, options);
}

export function checkbox(focus, words, checked, onchange) {
  const change = (event) => onchange(event.target.checked);
  return el(
    "label.check.cluster",
    el("input", { type: "checkbox", checked, data: { focus }, onchange: change }),
    el("span", words),
  );
}

/** Returns a form for a tag; `onsubmit(tag)` is called with what was typed. */
export function tagForm(label, placeholder, onsubmit, ...rest) {
  const attributes = { type: "text", "aria-label": label, placeholder, maxlength: 60, autocomplete: "off" };
  const input = el("input", { ...attributes, data: { focus: "tag" } });
  const submit = (event) => {
    event.preventDefault();
    const tag = input.value.trim();
    input.value = "";
    if (tag) onsubmit(tag);
  };
  return el("form.tag-form", { onsubmit: submit }, input, rest);
}

const ICONS = {
  account: ["M3 6.5h14v9H3z", "M3 9.5h14", "M6 13h3"],
  faults: ["M11 2.5 4.5 11.5H9l-1 6L15 8.500h-4.500z"],
  settings: ["M3 6h8M15 6h2M3 14h2M9 14h8", "M13 4v4M7 12v4"],
  help: ["M7.500 7.500a2.500 2.500 0 1 1 3.500 2.300c-.7.400-1 .800-1 1.700", "M10 14.500v.1"],
  clock: ["M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14z", "M10 6v4l3 2"],
  tick: ["m4 10.500 4 4 8-9"],
  ticks: ["m2 10.500 4 4 8-9", "m9 13.500 1 1 8-9"],
  cross: ["m5 5 10 10M15 5 5 15"],
  delete: ["M4 6h12M8 6V4h4v2M6 6l1 10h6l1-10"],
  copy: ["M7 7h9v9H7z", "M13 7V4H4v9h3"],
  blur: [
    "M2.500 10S5 5 10 5s7.500 5 7.500 5-2.500 5-7.500 5-7.500-5-7.500-5z",
    "M10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
    "M4 16 16 4",
  ],
  theme: ["M10 3a7 7 0 1 0 7 7 5.500 5.500 0 0 1-7-7z"],
  phone: ["M6 2.500h8v15H6z", "M9 15h2"],
  down: ["m5 8 5 5 5-5"],
  up: ["m5 12 5-5 5 5"],
  signal: ["M2.500 15v-2M7.500 15v-5M12.500 15v-8M17.500 15v-11"],
};

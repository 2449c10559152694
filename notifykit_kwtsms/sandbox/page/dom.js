// Elements from plain values. Text goes in as text; nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

/** Sets attributes; `on…` are listeners, `data` the data attributes, false and null leave an attribute out. */
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

/** Makes an element. Children are nodes or values that are shown as text; null and false are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = set(document.createElement(tag), attributes);
  node.append(...flat(children));
  return node;
}

/** Replaces what stands in an element. */
export function fill(node, ...children) {
  node.replaceChildren(...flat(children));
  return node;
}

function flat(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Text for screen readers alone. */
export function spoken(text) {
  return el("span", { class: "spoken" }, text);
}

/** Text, a number or a code whose direction is its own. */
export function isolated(text, attributes = {}) {
  return el("bdi", attributes, text);
}

/** One of the drawings below, hidden from screen readers: the text beside it says the same. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  for (const d of ICONS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

const ICONS = {
  account: ["M3 6.5h14v9H3z", "M3 9.5h14", "M6 13h3"],
  chaos: ["M11 2.5 4.5 11.5H9l-1 6L15 8.500h-4.500z"],
  settings: ["M3 6h8M15 6h2M3 14h2M9 14h8", "M13 4v4M7 12v4"],
  help: ["M7.500 7.500a2.500 2.500 0 1 1 3.500 2.300c-.7.400-1 .800-1 1.700", "M10 14.500v.1"],
  search: ["M9 3.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11z", "m13 13 4 4"],
  back: ["M12 4 6 10l6 6"],
  clock: ["M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14z", "M10 6v4l3 2"],
  tick: ["m4 10.500 4 4 8-9"],
  ticks: ["m2 10.500 4 4 8-9", "m9 13.500 1 1 8-9"],
  cross: ["m5 5 10 10M15 5 5 15"],
  trash: ["M4 6h12M8 6V4h4v2M6 6l1 10h6l1-10"],
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
};

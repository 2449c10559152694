// What was done, said for five seconds, with a way back where there is one. Never a dialog.

import { say } from "./announce.js";
import { el, fill } from "./dom.js";

const SHOWN = 5000;

let timer = 0;
let pending = null;

/** Shows a sentence; with `undo` there is a button that calls it. */
export function toast(words, { undo = null, bad = false, link = null } = {}) {
  const node = document.getElementById("toast");
  const button =
    undo && el("button", { type: "button", class: "quiet", onclick: takeBack }, "Undo", " ", el("kbd", {}, "u"));
  fill(node, el("span", {}, words), link && el("a", { href: link }, "Open"), button);
  node.classList.toggle("bad", bad);
  node.hidden = false;
  pending = undo;
  say(undo ? `${words} Undo with the letter u.` : words);
  wait();
  // Who reads or points at it has the time they need.
  node.onmouseenter = node.onfocusin = () => clearTimeout(timer);
  node.onmouseleave = node.onfocusout = wait;
}

/** Takes back what the toast is about, if anything; says whether it did. */
export function takeBack() {
  const undo = pending;
  hide();
  if (undo) undo();
  return undo !== null;
}

function wait() {
  clearTimeout(timer);
  timer = setTimeout(hide, SHOWN);
}

function hide() {
  clearTimeout(timer);
  pending = null;
  const node = document.getElementById("toast");
  if (node.contains(document.activeElement)) document.getElementById("list").focus();
  node.hidden = true;
}

// Messages of the page to a person: a toast with a way back, words for screen readers, the number of unread messages where
// it shows while the page is hidden, and that something was copied.

import { el, fill, hiddenText, icon } from "./dom.js";
import { count } from "./format.js";

/** Milliseconds that a toast is shown. */
const SHOWN = 5000;
/** Milliseconds for which new messages are gathered, to be announced in one sentence. */
const GATHER = 1500;
/** Milliseconds between two desktop notifications. */
const QUIET = 2000;

/** Announces something to screen readers, through the one live region of the page. */
export function announce(words) {
  const region = document.getElementById("announcer");
  // The same words twice are only read twice if the region was empty in between.
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = words;
  });
}

let arrived = 0;

/** Announces a new message, together with those that follow soon. */
export function announceNew() {
  arrived += 1;
  if (arrived > 1) return;
  setTimeout(() => {
    announce(count(arrived, "new message"));
    arrived = 0;
  }, GATHER);
}

let timer = 0;
let pendingUndo = null;

/** Shows a sentence for a while; `undo` is called by a button, `error` colours it. */
export function toast(words, { undo = null, error = false } = {}) {
  const node = document.getElementById("toast");
  fill(node, el("span", words), undo && el("button.quiet", { onclick: takeBack }, "Undo", " ", el("kbd", "u")));
  node.classList.toggle("error", error);
  node.hidden = false;
  pendingUndo = undo;
  announce(undo ? `${words} Undo with the letter u.` : words);
  hideLater();
  // A person who reads or points at it has the time they need.
  node.onmouseenter = node.onfocusin = () => clearTimeout(timer);
  node.onmouseleave = node.onfocusout = hideLater;
}

export const toastError = (problem) => toast(problem.message, { error: true });

/** Undoes what the toast is about, if anything. */
export function takeBack() {
  const undo = pendingUndo;
  hide();
  undo?.();
}

function hideLater() {
  clearTimeout(timer);
  timer = setTimeout(hide, SHOWN);
}

function hide() {
  clearTimeout(timer);
  pendingUndo = null;
  const node = document.getElementById("toast");
  if (node.contains(document.activeElement)) document.getElementById("list").focus();
  node.hidden = true;
}

/** Copies a text and announces it. */
export async function copy(text, what = "The code") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission, the old way.
    const area = el("textarea.visually-hidden", { readonly: true }, text);
    document.body.append(area);
    const focused = document.activeElement;
    area.select();
    document.execCommand("copy");
    area.remove();
    focused?.focus?.();
  }
  announce(`${what} is copied`);
}

/** Returns a button that copies a code. */
export function copyButton(code) {
  const shown = el("bdi.private", { dir: "ltr" }, code);
  return el("button.chip", { onclick: () => copy(code) }, icon("copy"), hiddenText("Copy the code "), shown);
}

/** Returns a block of text with a button that copies it. */
export function copyBlock(text, name) {
  return el(
    "div.paste.stack",
    el("pre.code-block", { dir: "ltr", tabindex: 0, "aria-label": name }, text.trimEnd()),
    el(
      "button",
      { data: { focus: `copy ${name}` }, onclick: () => copy(text, name) },
      `Copy ${name === "DSN" ? name : name.toLowerCase()}`,
    ),
  );
}

let shownUnread = null;

/** Shows how many messages are unread: in the title, on the icon, and as the badge of an installed page. */
export function showUnread(unread, label) {
  const where = label ? `${label} · notifykit sandbox` : "notifykit sandbox";
  document.title = `${unread ? `(${unread}) ` : ""}Inbox · ${where}`;
  if (shownUnread === unread) return;
  shownUnread = unread;
  document.getElementById("favicon").setAttribute("href", `page/favicon${unread ? "-unread" : ""}.svg`);
  navigator.setAppBadge?.(unread).catch(() => {});
}

let lastNotification = 0;

/** Shows a desktop notification while the page is hidden. It holds no text: others may see the screen. */
export function notifyWhileHidden() {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  if (Date.now() - lastNotification < QUIET) return;
  lastNotification = Date.now();
  new Notification("1 new message", { tag: "notifykit-sandbox", icon: "page/favicon.svg" });
}

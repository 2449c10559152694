// How many messages are unread, where it shows while the page is behind others: title, icon, the badge of an installed
// page, and a notification where somebody asked for it.

import { count } from "./format.js";
import { get } from "./settings.js";

const QUIET = 2000;

let last = 0;
let shown = null;

export function showUnread(unread, label) {
  const where = label ? `${label} · notifykit sandbox` : "notifykit sandbox";
  document.title = `${unread ? `(${unread}) ` : ""}Inbox · ${where}`;
  if (shown === unread > 0) return;
  shown = unread > 0;
  document.getElementById("favicon").setAttribute("href", `page/favicon${shown ? "-unread" : ""}.svg`);
  if (navigator.setAppBadge) navigator.setAppBadge(unread).catch(() => {});
}

/** Tells of new messages, one notification at a time. It holds no text: others may see the screen. */
export function notify(messages) {
  if (!get("notify") || !document.hidden || !("Notification" in window) || Notification.permission !== "granted")
    return;
  if (Date.now() - last < QUIET) return;
  last = Date.now();
  new Notification(count(messages, "new message"), { tag: "notifykit-sandbox", icon: "page/favicon.svg" });
}

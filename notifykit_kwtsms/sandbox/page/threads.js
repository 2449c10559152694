// The rows of the thread view: one for each number, as a phone book has them, and one for each request to several
// numbers, which unfolds.

import { count, phoneNumber } from "./format.js";
import { badge, badgesOf, unreadBadge } from "./rows.js";

/** Returns the rows; `unfolded` are the keys of those that show their numbers. */
export function threadRows(store, unfolded) {
  const rows = [];
  for (const thread of store.threads) {
    rows.push(thread.to.length === 1 ? numberRow(thread) : batchRow(thread, unfolded.has(thread.key)));
    if (thread.to.length > 1 && unfolded.has(thread.key)) rows.push(...memberRows(thread));
  }
  return rows;
}

function numberRow(thread) {
  const title = phoneNumber(thread.to[0]);
  return {
    key: thread.key,
    kind: "number",
    ids: thread.ids,
    message: thread.last,
    href: `#/m/${thread.last.id}`,
    title,
    note: thread.ids.length > 1 ? String(thread.ids.length) : "",
    unread: thread.unread,
    get name() {
      return `${title}, ${count(thread.ids.length, "message")}`;
    },
    badges: () => withUnread(thread, badgesOf(thread.last)),
  };
}

function batchRow(thread, unfolded) {
  const title = count(thread.to.length, "number");
  return {
    key: thread.key,
    kind: "batch",
    unfolded,
    ids: thread.ids,
    message: thread.last,
    href: `#/m/${thread.last.id}`,
    title,
    note: "",
    unread: thread.unread,
    name: `request to ${title}`,
    badges: () => withUnread(thread, [badge("Batch"), ...badgesOf(thread.last)]),
  };
}

function memberRows(thread) {
  return thread.to.map((number) => ({
    key: `${thread.key}/${number}`,
    kind: "member",
    number,
    ids: thread.ids,
    message: thread.last,
    href: `#/m/${thread.last.id}/${encodeURIComponent(number)}`,
    title: phoneNumber(number),
    note: "",
    unread: 0,
    name: phoneNumber(number),
    badges: () => [],
  }));
}

function withUnread(thread, badges) {
  return thread.unread ? [...badges, unreadBadge(thread.unread)] : badges;
}

// The rows of the flat views: every request to send, newest first, and the Queue folder.

import { recipients } from "./format.js";
import { badgesOf, unreadBadge } from "./rows.js";

export const logRows = (store) => store.log.map(row);
export const queueRows = (store) => store.queue.map(row);

function row(message) {
  const who = message.to.length ? recipients(message) : "no number";
  return {
    key: `m${message.id}`,
    kind: "message",
    ids: [message.id],
    message,
    href: `#/m/${message.id}`,
    title: who,
    note: message.sender,
    unread: message.unread ? 1 : 0,
    name: `message ${message.id} to ${who}`,
    badges: () => (message.unread ? [...badgesOf(message), unreadBadge(1)] : badgesOf(message)),
  };
}

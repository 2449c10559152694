// What the sandbox knows about single messages, asked for once and again when an event says that it changed.

import { message } from "./api.js";

const LIMIT = 400;
const known = new Map();

/** Returns the details of a message, from memory where they are there. */
export function detail(id) {
  let promise = known.get(id);
  if (!promise) {
    promise = message(id);
    known.set(id, promise);
    promise.catch(() => known.delete(id));
    if (known.size > LIMIT) known.delete(known.keys().next().value);
  }
  return promise;
}

/** Notes that what is known of a message is not true any more. */
export function forget(id) {
  known.delete(id);
}

export function forgetAll() {
  known.clear();
}

/** Keeps an answer that came by another way. */
export function learn(value) {
  known.set(value.id, Promise.resolve(value));
  return value;
}

// The control API of the sandbox, as far as the page uses it. Every address is relative to the page, so that a sandbox
// that is mounted below a prefix finds its own.

const ROOT = new URL("./", document.baseURI);

/** What the sandbox refused, in its own words. */
class ApiError extends Error {}

/** Returns the address of a route. */
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(name, value);
  }
  return url;
}

async function request(method, path, { query, body } = {}) {
  const json =
    body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(address(path, query), { method, credentials: "same-origin", ...json });
  } catch {
    throw new ApiError("The sandbox does not answer. Is it still running?");
  }
  let value = {};
  try {
    value = await response.json();
  } catch {
    // A page of some server in between; its status says enough.
  }
  if (!response.ok) throw new ApiError(value.error ?? value.description ?? `The sandbox said ${response.status}.`);
  return value;
}

/** Messages of the first answer, which is to be there soon, and of the others. */
const FIRST = 200;
const PAGE = 1000;
const MESSAGES = "sandbox/messages";
const one = (folder, name) => `sandbox/${folder}/${encodeURIComponent(name)}`;
const many = (ids) => ({ ids: ids.join(",") });

/** Yields the answers with every message that a query matches, newest first. */
export async function* listMessages(query) {
  let before;
  do {
    const page = await request("GET", MESSAGES, { query: { ...query, limit: before ? PAGE : FIRST, before } });
    yield page;
    before = page.next;
  } while (before);
}

export const sendMessage = (body) => request("POST", MESSAGES, { body });
export const updateMessage = (name, body) => request("PUT", one("messages", name), { body });
export const updateMessages = (ids, body) => request("PUT", MESSAGES, { query: many(ids), body });
export const deleteMessages = (ids) => request("DELETE", MESSAGES, { query: many(ids) });
export const deleteFound = (q) => request("DELETE", MESSAGES, { query: { q } });
export const restoreMessages = (undo) => request("POST", `${MESSAGES}/restore`, { body: { undo } });
export const setDelivery = (name, body) => request("POST", one("dlr", name), { body });
export const deleteQueued = (msgId) => request("DELETE", one("queue", msgId));
export const deleteAllQueued = () => request("DELETE", "sandbox/queue");
export const getAccount = (username) => request("GET", "sandbox/account", { query: { username } });
export const updateAccount = (username, body) => request("PUT", "sandbox/account", { query: { username }, body });
export const getFaults = () => request("GET", "sandbox/chaos");
export const setPreset = (body) => request("PUT", "sandbox/chaos", { body });
export const addFault = (body) => request("POST", "sandbox/chaos", { body });
export const endFault = (id) => request("DELETE", one("chaos", id));
export const endAllFaults = () => request("DELETE", "sandbox/chaos");
export const getClock = () => request("GET", "sandbox/clock");
export const advanceClock = (seconds) => request("PUT", "sandbox/clock", { body: { advance: seconds } });
export const reset = () => request("POST", "sandbox/reset");

/** How many messages have their details kept. */
const LIMIT = 400;
const details = new Map();

/** Returns the details of a message. They are asked for once, and again after `invalidate`. */
export function getDetails(id) {
  let promise = details.get(id);
  if (!promise) {
    promise = request("GET", one("messages", id));
    details.set(id, promise);
    promise.catch(() => details.delete(id));
    if (details.size > LIMIT) details.delete(details.keys().next().value);
  }
  return promise;
}

/** Forgets the details of a message, because it changed; without an id those of all. */
export function invalidate(id) {
  if (id === undefined) details.clear();
  else details.delete(id);
}

/** Keeps details that came as the answer to a change. */
export function keepDetails(message) {
  details.set(message.id, Promise.resolve(message));
}

// The control API of the sandbox, as far as the page uses it. Every address is relative to the page, so that a sandbox
// that is mounted below a prefix finds its own.

const ROOT = new URL("./", document.baseURI);

/** What the sandbox refused, in its own words. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** Returns the address of a route. */
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(name, value);
  }
  return url;
}

async function ask(method, path, { query, body } = {}) {
  let response;
  try {
    response = await fetch(address(path, query), {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, "The sandbox does not answer. Is it still running?");
  }
  let value = {};
  try {
    value = await response.json();
  } catch {
    // A page of some server in between; its status says enough.
  }
  if (!response.ok) {
    throw new Refused(response.status, value.error ?? value.description ?? `The sandbox said ${response.status}.`);
  }
  return value;
}

const one = (name) => `sandbox/messages/${encodeURIComponent(name)}`;
const many = (ids) => ({ ids: ids.join(",") });

export const messages = (query) => ask("GET", "sandbox/messages", { query });
export const message = (name) => ask("GET", one(name));
export const change = (name, body) => ask("PUT", one(name), { body });
export const changeMany = (ids, body) => ask("PUT", "sandbox/messages", { query: many(ids), body });
export const removeMany = (ids) => ask("DELETE", "sandbox/messages", { query: many(ids) });
export const removeFound = (q) => ask("DELETE", "sandbox/messages", { query: { q } });
export const restore = (undo) => ask("POST", "sandbox/messages/restore", { body: { undo } });
export const send = (body) => ask("POST", "sandbox/messages", { body });
export const account = (username) => ask("GET", "sandbox/account", { query: { username } });
export const changeAccount = (username, body) => ask("PUT", "sandbox/account", { query: { username }, body });
export const chaos = () => ask("GET", "sandbox/chaos");
export const setChaos = (body) => ask("PUT", "sandbox/chaos", { body });
export const arm = (body) => ask("POST", "sandbox/chaos", { body });
export const disarm = (id) => ask("DELETE", `sandbox/chaos/${encodeURIComponent(id)}`);
export const calm = () => ask("DELETE", "sandbox/chaos");
export const clock = () => ask("GET", "sandbox/clock");
export const advance = (seconds) => ask("PUT", "sandbox/clock", { body: { advance: seconds } });
export const deliver = (name, body) => ask("POST", `sandbox/dlr/${encodeURIComponent(name)}`, { body });
export const unqueue = (msgId) => ask("DELETE", `sandbox/queue/${encodeURIComponent(msgId)}`);
export const unqueueAll = () => ask("DELETE", "sandbox/queue");
export const stats = () => ask("GET", "sandbox/stats");
export const reset = () => ask("POST", "sandbox/reset");

// What the page knows of the messages: one map, changed by events that may come twice, and views of it that are made
// when they are asked for; and the actions that change messages in the sandbox.

import * as api from "./api.js";
import { count } from "./format.js";
import { toast, toastError } from "./notifications.js";

export class Store {
  #messages = new Map();
  #removed = new Set(); // since `replace`: the older messages may still be on their way
  #hidden = new Set(); // deleted a moment ago, while the sandbox has not said so yet
  #found = null; // ids that the search matches; null without a search
  #listeners = new Set();
  #changed = new Set();
  #scheduled = false;
  #views = null;

  /** Calls a listener once a frame with the set of ids that changed; null in it means everything. */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /** Replaces everything. */
  replace(messages) {
    this.#messages = new Map(messages.map((message) => [message.id, message]));
    this.#hidden.clear();
    this.#removed.clear();
    this.#touch([null]);
  }

  /** Adds messages that were on their way when others of them changed: what is known already is newer. */
  add(messages) {
    for (const message of messages) {
      const { id } = message;
      if (!this.#messages.has(id) && !this.#removed.has(id)) this.#messages.set(id, message);
    }
    this.#touch([null]);
  }

  /** Adds or replaces a message; returns whether it is new. */
  put(message) {
    const fresh = !this.#messages.has(message.id);
    this.#messages.set(message.id, message);
    this.#removed.delete(message.id);
    this.#touch([message.id]);
    return fresh;
  }

  remove(ids) {
    for (const id of ids) {
      this.#messages.delete(id);
      this.#removed.add(id);
      this.#hidden.delete(id);
    }
    this.#touch(ids);
  }

  /** Hides messages until `remove` or `show`. */
  hide(ids) {
    for (const id of ids) this.#hidden.add(id);
    this.#touch(ids);
  }

  show(ids) {
    for (const id of ids) this.#hidden.delete(id);
    this.#touch(ids);
  }

  /** Limits the views to what a search found; null shows everything. */
  filter(ids) {
    this.#found = ids;
    this.#touch([null]);
  }

  get(id) {
    return this.#hidden.has(id) ? undefined : this.#messages.get(id);
  }

  get size() {
    return this.#messages.size - this.#hidden.size;
  }

  /**
   * The views, newest first. `all` and `queued` (test messages in the queue) disregard the search; `log`, `queue` and
   * `threads` (one row for each number, one for each request to several numbers, with its refused tries) follow it. `unread` is a count.
   */
  get views() {
    this.#views ??= makeViews(this.#messages, this.#hidden, this.#found);
    return this.#views;
  }

  /** Returns every message to a number, oldest first, those to several numbers too. */
  to(number) {
    return this.views.all.filter((message) => message.to.includes(number)).reverse();
  }

  #touch(ids) {
    this.#views = null;
    for (const id of ids) this.#changed.add(id);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A hidden page draws no frames, and its title still counts.
    (document.hidden ? (run) => setTimeout(run, 100) : requestAnimationFrame)(() => {
      this.#scheduled = false;
      const changed = this.#changed;
      this.#changed = new Set();
      for (const listener of this.#listeners) listener(changed);
    });
  }
}

function makeViews(messages, hidden, found) {
  const all = [...messages.values()].filter((message) => !hidden.has(message.id)).sort((one, two) => two.id - one.id);
  const log = found === null ? all : all.filter((message) => found.has(message.id));
  return {
    all,
    log,
    queued: all.filter((message) => message.queued),
    queue: log.filter((message) => message.queued),
    unread: all.filter((message) => message.unread).length,
    threads: groupByNumber(log),
  };
}

function groupByNumber(log) {
  const threads = new Map();
  for (const message of log) {
    const single = message.to.length === 1;
    const place = single ? message.to[0] : JSON.stringify([message.sender, message.text, message.to]);
    let thread = threads.get(place);
    // Newest first: refused tries of a request to several numbers belong to the one that follows them.
    if (!thread || (!single && message.accepted)) {
      thread = { key: place, to: message.to, last: message, ids: [], unread: 0 };
      if (threads.has(place)) threads.set(`${place} ${message.id}`, threads.get(place));
      threads.delete(place);
      threads.set(place, thread);
    }
    if (!single) thread.key = `batch:${message.id}`;
    thread.ids.push(message.id);
    if (message.unread) thread.unread += 1;
  }
  return [...threads.values()].sort((one, two) => two.last.id - one.last.id);
}

/** Ids that fit into one address. */
const CHUNK = 400;

function* chunks(ids) {
  for (let at = 0; at < ids.length; at += CHUNK) yield ids.slice(at, at + CHUNK);
}

/** What a person can do to messages. A deletion can be undone. */
export class Actions {
  #store;
  #changed;
  #last = Promise.resolve();

  /** `changed(id)` is called when the details of a message are new. */
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  /** Marks messages read or unread; the page changes when the sandbox says that they are. */
  async mark(ids, unread) {
    await this.#each(ids, (some) => api.updateMessages(some, { unread }));
  }

  /** Gives messages a tag. */
  async tagAll(ids, tag) {
    await this.#each(ids, (some) => api.updateMessages(some, { "add-tags": [tag] }));
    toast(`${count(ids.length, "message")} tagged ${tag}.`);
  }

  async tag(message, change) {
    await this.#try(async () => this.#keep(await api.updateMessage(message.id, change)));
  }

  /** Deletes messages; the toast takes it back. */
  async delete(ids) {
    this.#store.hide(ids);
    const tokens = [];
    try {
      for (const some of chunks(ids)) tokens.push((await api.deleteMessages(some)).undo);
    } catch (problem) {
      this.#store.show(ids);
      toastError(problem);
      return;
    }
    toast(`${count(ids.length, "message")} deleted.`, { undo: () => this.#restore(tokens) });
  }

  /** Deletes everything that a search finds. */
  async deleteFound(query) {
    await this.#try(async () => {
      const { deleted, undo } = await api.deleteFound(query);
      toast(`${count(deleted, "message")} deleted.`, { undo: undo ? () => this.#restore([undo]) : null });
    });
  }

  /** Forces the next delivery state, or a given one. */
  async deliver(id, state, number) {
    // JSON leaves out what is undefined.
    await this.#try(async () => this.#keep(await api.setDelivery(id, { state, number })));
  }

  /** Deletes a test message from the queue, which gives its credits back. */
  async recover(message) {
    await this.#try(async () => {
      const { refunded } = await api.deleteQueued(message["msg-id"]);
      toast(`${count(refunded, "credit")} recovered.`);
    });
  }

  async recoverAll() {
    await this.#try(async () => {
      const { deleted, refunded } = await api.deleteAllQueued();
      toast(`${count(deleted, "test message")} deleted from the queue, ${count(refunded, "credit")} recovered.`);
    });
  }

  async #restore(tokens) {
    await this.#try(async () => {
      let restored = 0;
      for (const token of tokens) if (token) restored += (await api.restoreMessages(token)).restored;
      toast(`${count(restored, "message")} restored.`);
    });
  }

  #keep(found) {
    api.keepDetails(found);
    this.#changed(found.id);
  }

  async #each(ids, act) {
    await this.#try(async () => {
      for (const some of chunks(ids)) await act(some);
    });
  }

  // One after the other: requests on two connections may arrive in the other order, and the last one wins.
  #try(act) {
    this.#last = this.#last.then(act).catch(toastError);
    return this.#last;
  }
}

// What the page knows of the messages: one map, changed by events that may come twice, and views of it that are made
// when somebody looks. Listeners are told once a frame, however much came.

export class Store {
  #messages = new Map();
  #hidden = new Set(); // deleted a moment ago, while the sandbox has not said so yet
  #found = null; // ids that the search matches; null without a search
  #listeners = new Set();
  #changed = new Set();
  #scheduled = false;
  #views = null;

  /** Calls a listener with the set of ids that changed; null in it means everything. */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /** Replaces everything. */
  replace(messages) {
    this.#messages = new Map(messages.map((message) => [message.id, message]));
    this.#hidden.clear();
    this.#touch(null);
  }

  put(message) {
    const fresh = !this.#messages.has(message.id);
    this.#messages.set(message.id, message);
    this.#touch(message.id);
    return fresh;
  }

  drop(ids) {
    for (const id of ids) {
      this.#messages.delete(id);
      this.#hidden.delete(id);
      this.#touch(id);
    }
  }

  /** Takes messages out of sight until `drop` or `show`. */
  hide(ids) {
    for (const id of ids) {
      this.#hidden.add(id);
      this.#touch(id);
    }
  }

  show(ids) {
    for (const id of ids) {
      this.#hidden.delete(id);
      this.#touch(id);
    }
  }

  /** Limits the views to what a search found; null shows everything. */
  limit(ids) {
    this.#found = ids;
    this.#touch(null);
  }

  get(id) {
    return this.#hidden.has(id) ? undefined : this.#messages.get(id);
  }

  get size() {
    return this.#messages.size - this.#hidden.size;
  }

  get unread() {
    return this.#look().unread;
  }

  /** All messages, newest first, without regard to the search. */
  get all() {
    return this.#look().all;
  }

  /** The messages that the search leaves, newest first. */
  get log() {
    return this.#look().log;
  }

  /** Those in the Queue folder. */
  get queue() {
    return this.#look().queue;
  }

  /** Test messages in the queue, whatever the search. */
  get queued() {
    return this.#look().queued;
  }

  /** Rows as a phone book shows them: one for each number, one for each request to several numbers. */
  get threads() {
    return this.#look().threads;
  }

  /** Every message to a number, oldest first, those to several numbers too. */
  to(number) {
    return this.all.filter((message) => message.to.includes(number)).reverse();
  }

  #look() {
    this.#views ??= look(this.#messages, this.#hidden, this.#found);
    return this.#views;
  }

  #touch(id) {
    this.#views = null;
    this.#changed.add(id);
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

function look(messages, hidden, found) {
  const all = [...messages.values()].filter((message) => !hidden.has(message.id)).sort((one, two) => two.id - one.id);
  const log = found === null ? all : all.filter((message) => found.has(message.id));
  const queued = all.filter((message) => message.queued);
  return {
    all,
    log,
    queued,
    queue: log.filter((message) => message.queued),
    unread: all.reduce((count, message) => count + (message.unread ? 1 : 0), 0),
    threads: threadsOf(log),
  };
}

/** The key of the row that a message stands in. */
function threadKey(message) {
  return message.to.length === 1 ? message.to[0] : `batch:${message.id}`;
}

function threadsOf(log) {
  const threads = new Map();
  for (const message of log) {
    const key = threadKey(message);
    let thread = threads.get(key);
    if (!thread) {
      thread = { key, to: message.to, last: message, ids: [], unread: 0, rejected: 0 };
      threads.set(key, thread);
    }
    thread.ids.push(message.id);
    if (message.unread) thread.unread += 1;
    if (!message.accepted) thread.rejected += 1;
  }
  return [...threads.values()];
}

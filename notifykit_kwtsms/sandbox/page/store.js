// What the page knows of the messages: one map, changed by events that may come twice, and views of it that are made
// when they are asked for; and which messages are selected.

export class Store {
  #messages = new Map();
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
    this.#touch([null]);
  }

  /** Adds or replaces a message; returns whether it is new. */
  put(message) {
    const fresh = !this.#messages.has(message.id);
    this.#messages.set(message.id, message);
    this.#touch([message.id]);
    return fresh;
  }

  remove(ids) {
    for (const id of ids) {
      this.#messages.delete(id);
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
   * `threads` (one row for each number, one for each request to several numbers) follow it. `unread` is a count.
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
    const key = message.to.length === 1 ? message.to[0] : `batch:${message.id}`;
    if (!threads.has(key)) threads.set(key, { key, to: message.to, last: message, ids: [], unread: 0 });
    const thread = threads.get(key);
    thread.ids.push(message.id);
    if (message.unread) thread.unread += 1;
  }
  return [...threads.values()];
}

/** The selected messages, and ranges with shift. */
export class Selection {
  #ids = new Set();
  #anchor = null;
  #listeners = new Set();

  onChange(listener) {
    this.#listeners.add(listener);
  }

  get ids() {
    return [...this.#ids];
  }

  get size() {
    return this.#ids.size;
  }

  /** Returns whether every one of these is selected. */
  has(ids) {
    return ids.length > 0 && ids.every((id) => this.#ids.has(id));
  }

  /** Selects a row or deselects it. `key` names it for a later range. */
  toggle(key, ids, wanted = !this.has(ids)) {
    this.#anchor = key;
    this.#change(ids, wanted);
  }

  /** Selects from the row of the last toggle to this one. `rows` are `{key, ids}` in the order of the list. */
  selectRange(rows, key) {
    const from = rows.findIndex((row) => row.key === this.#anchor);
    const to = rows.findIndex((row) => row.key === key);
    if (to < 0) return;
    if (from < 0) this.#anchor = key;
    const [start, end] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    const chosen = rows.slice(start, end + 1);
    this.#change(
      chosen.flatMap((row) => row.ids),
      true,
    );
  }

  /** Deselects what does not exist any more. */
  keep(exists) {
    const gone = this.ids.filter((id) => !exists(id));
    if (gone.length) this.#change(gone, false);
  }

  clear() {
    this.#anchor = null;
    this.#change(this.ids, false);
  }

  #change(ids, wanted) {
    for (const id of ids) {
      if (wanted) this.#ids.add(id);
      else this.#ids.delete(id);
    }
    for (const listener of this.#listeners) listener();
  }
}

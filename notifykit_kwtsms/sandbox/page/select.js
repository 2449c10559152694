// Which messages are selected, and ranges with shift.

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

  /** Whether every one of these is selected. */
  has(ids) {
    return ids.length > 0 && ids.every((id) => this.#ids.has(id));
  }

  /** Selects a row or gives it up. `key` names it for a later range. */
  toggle(key, ids, wanted = !this.has(ids)) {
    this.#anchor = key;
    this.#put(ids, wanted);
  }

  /** Selects from the row of the last toggle to this one. `rows` are `{key, ids}` in the order of the list. */
  range(rows, key) {
    const from = rows.findIndex((row) => row.key === this.#anchor);
    const to = rows.findIndex((row) => row.key === key);
    if (to < 0) return;
    const start = from < 0 ? to : Math.min(from, to);
    const end = from < 0 ? to : Math.max(from, to);
    this.#put(
      rows.slice(start, end + 1).flatMap((row) => row.ids),
      true,
    );
    if (from < 0) this.#anchor = key;
  }

  /** Gives up what is gone. */
  keep(exists) {
    const gone = [...this.#ids].filter((id) => !exists(id));
    if (gone.length) this.#put(gone, false);
  }

  clear() {
    this.#anchor = null;
    this.#put(this.ids, false);
  }

  #put(ids, wanted) {
    for (const id of ids) {
      if (wanted) this.#ids.add(id);
      else this.#ids.delete(id);
    }
    for (const listener of this.#listeners) listener();
  }
}

// What a person can do to messages. Everything that takes something away can be taken back.

import * as api from "./api.js";
import { learn } from "./details.js";
import { count } from "./format.js";
import { toast } from "./undo.js";

/** Ids that fit into one address. */
const CHUNK = 400;

export class Actions {
  #store;
  #changed;

  /** `changed(id)` is called when the details of a message are new. */
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  /** Marks messages read or unread, on the page at once. */
  async mark(ids, unread) {
    const changing = ids.filter((id) => (this.#store.get(id)?.unread ?? unread) !== unread);
    for (const id of changing) this.#store.put({ ...this.#store.get(id), unread });
    await this.#each(changing, (some) => api.changeMany(some, { unread }));
  }

  /** Gives messages a tag. */
  async tagAll(ids, tag) {
    await this.#each(ids, (some) => api.changeMany(some, { "add-tags": [tag] }));
    toast(`${count(ids.length, "message")} tagged ${tag}.`);
  }

  async tag(message, change) {
    await this.#try(async () => this.#learned(await api.change(message.id, change)));
  }

  /** Deletes messages; the toast takes it back. */
  async remove(ids) {
    this.#store.hide(ids);
    const tokens = [];
    try {
      for (let at = 0; at < ids.length; at += CHUNK)
        tokens.push((await api.removeMany(ids.slice(at, at + CHUNK))).undo);
    } catch (problem) {
      this.#store.show(ids);
      toast(problem.message, { bad: true });
      return;
    }
    toast(`${count(ids.length, "message")} deleted.`, { undo: () => this.#restore(tokens) });
  }

  /** Deletes everything that a search finds. */
  async removeFound(query) {
    await this.#try(async () => {
      const { deleted, undo } = await api.removeFound(query);
      toast(`${count(deleted, "message")} deleted.`, { undo: undo ? () => this.#restore([undo]) : null });
    });
  }

  /** Forces the next delivery state, or a given one. */
  async deliver(id, state, number) {
    await this.#try(async () =>
      this.#learned(await api.deliver(id, { ...(state ? { state } : {}), ...(number ? { number } : {}) })),
    );
  }

  /** Deletes a test message from the queue, which gives its credits back. */
  async recover(message) {
    await this.#try(async () => {
      const { refunded } = await api.unqueue(message["msg-id"]);
      toast(`${count(refunded, "credit")} recovered.`);
    });
  }

  async recoverAll() {
    await this.#try(async () => {
      const { deleted, refunded } = await api.unqueueAll();
      toast(`${count(deleted, "test message")} deleted from the queue, ${count(refunded, "credit")} recovered.`);
    });
  }

  async #restore(tokens) {
    await this.#try(async () => {
      let restored = 0;
      for (const token of tokens) if (token) restored += (await api.restore(token)).restored;
      toast(`${count(restored, "message")} restored.`);
    });
  }

  #learned(found) {
    learn(found);
    this.#changed(found.id);
  }

  async #each(ids, act) {
    await this.#try(async () => {
      for (let at = 0; at < ids.length; at += CHUNK) await act(ids.slice(at, at + CHUNK));
    });
  }

  async #try(act) {
    try {
      await act();
    } catch (problem) {
      toast(problem.message, { bad: true });
    }
  }
}

// What a person can do to messages. A deletion can be undone.

import * as api from "./api.js";
import { count } from "./format.js";
import { toast, toastError } from "./notifications.js";

/** Ids that fit into one address. */
const CHUNK = 400;

function* chunks(ids) {
  for (let at = 0; at < ids.length; at += CHUNK) yield ids.slice(at, at + CHUNK);
}

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
    await this.#each(changing, (some) => api.updateMessages(some, { unread }));
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

  async #try(act) {
    try {
      await act();
    } catch (problem) {
      toastError(problem);
    }
  }
}

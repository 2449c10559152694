// The events of the sandbox. After a break the browser reconnects by itself and says what it saw last, and the sandbox
// sends what came meanwhile; only after a longer break, or a restart without a store, is everything read again.

import { address } from "./api.js";

const CHANGES = ["new", "update", "dlr", "fault", "delete", "restore", "account", "chaos", "clock", "reset"];
/** Milliseconds until a stream that the browser gave up is opened again; it doubles up to the longest. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

export class EventStream {
  #handlers;
  #source = null;
  #history = null;
  #version = null;
  #wait = FIRST_WAIT;
  #timer = 0;

  /**
   * `read` reads everything again and returns the sequence number it is from; `change(kind, data)` is called for each
   * event, `stats(data)` for the figures, `state("live" | "waiting")` for the connection itself.
   */
  constructor({ read, change, stats, state }) {
    this.#handlers = { read, change, stats, state };
    addEventListener("pageshow", (event) => {
      // A page out of the browser's cache may have lost its stream silently.
      if (event.persisted) this.start();
    });
  }

  /** Reads everything and listens to what comes after it. */
  async start() {
    try {
      this.#open(await this.#handlers.read());
    } catch {
      this.#retry();
    }
  }

  #retry() {
    this.#source?.close();
    this.#handlers.state("waiting");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }

  #open(after) {
    this.#source?.close();
    const source = new EventSource(address("sandbox/events", { after }));
    this.#source = source;
    const on = (kind, handle) =>
      source.addEventListener(kind, (event) => {
        if (source === this.#source) handle(JSON.parse(event.data));
      });
    on("hello", (hello) => this.#greet(hello));
    on("reload", () => this.start());
    on("stats", this.#handlers.stats);
    for (const kind of CHANGES) on(kind, (data) => this.#handlers.change(kind, data));
    source.onerror = () => {
      if (source !== this.#source) return;
      this.#handlers.state("waiting");
      if (source.readyState === EventSource.CLOSED) this.#retry();
    };
  }

  #greet({ version, history }) {
    this.#wait = FIRST_WAIT;
    this.#handlers.state("live");
    if (this.#version !== null && this.#version !== version) {
      location.reload();
      return;
    }
    this.#version = version;
    const restarted = this.#history !== null && this.#history !== history;
    this.#history = history;
    if (restarted) this.start();
  }
}

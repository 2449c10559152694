// The live link. The browser reconnects by itself and says what it saw last, the sandbox sends what came meanwhile;
// only after a longer absence, or another history, is everything read again.

import { address } from "./api.js";

const CHANGES = ["new", "update", "dlr", "fault", "delete", "restore", "account", "chaos", "clock", "reset"];
/** Milliseconds until a stream that the browser gave up is opened again; it doubles up to the longest. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/**
 * Follows the sandbox. `read` reads everything again and returns the sequence number it is from; `change(kind, data)`
 * is called for each event, `stats(data)` for the figures, `state("live" | "waiting")` for the link itself.
 */
export function follow({ read, change, stats, state }) {
  let source = null;
  let history = null;
  let version = null;
  let wait = FIRST_WAIT;
  let timer = 0;

  function again() {
    source?.close();
    state("waiting");
    clearTimeout(timer);
    timer = setTimeout(start, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  async function start() {
    let after;
    try {
      after = await read();
    } catch {
      again();
      return;
    }
    open(after);
  }

  function open(after) {
    source?.close();
    const stream = new EventSource(address("sandbox/events", { after }));
    source = stream;
    const on = (kind, use) =>
      stream.addEventListener(kind, (event) => {
        if (stream === source) use(JSON.parse(event.data));
      });

    on("hello", (hello) => {
      wait = FIRST_WAIT;
      state("live");
      if (version !== null && version !== hello.version) {
        location.reload();
        return;
      }
      version = hello.version;
      const other = history !== null && history !== hello.history;
      history = hello.history;
      if (other) start();
    });
    on("reload", start);
    on("stats", stats);
    for (const kind of CHANGES) on(kind, (data) => change(kind, data));
    stream.onerror = () => {
      if (stream !== source) return;
      state("waiting");
      if (stream.readyState === EventSource.CLOSED) again();
    };
  }

  addEventListener("pageshow", (event) => {
    // A page out of the browser's cache may have lost its stream without a word.
    if (event.persisted) start();
  });
  return start();
}

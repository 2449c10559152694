// The search: the sandbox knows the grammar; the page asks it, and asks again when something changes.

import { listMessages } from "./api.js";
import { el } from "./dom.js";

/** Milliseconds between two searches. */
const PAUSE = 180;
const FILTERS = [
  ["Unread", "is:unread"],
  ["Codes", "has:otp"],
  ["Unicode", "encoding:ucs2"],
  ["Refused", "is:rejected"],
  ["Faults", "has:fault"],
];

export class Search {
  #input;
  #state;
  #chips = new Map();
  #timer = 0;
  #asked = 0;
  #last = -PAUSE; // when it asked
  #filter;

  /** `filter(ids)` is called with what matches: a set, or null without a search. */
  constructor(form, filter) {
    this.#input = form.querySelector("input");
    this.#state = form.querySelector("#search-state");
    this.#filter = filter;
    const group = form.querySelector("#filters");
    for (const [words, term] of FILTERS) {
      const click = () => this.toggle(term);
      const chip = el("button.chip", { "aria-pressed": "false", title: term, onclick: click }, words);
      this.#chips.set(term, chip);
      group.append(chip);
    }
    this.#input.addEventListener("input", () => this.#soon());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
  }

  get query() {
    return this.#input.value.trim();
  }

  set query(query) {
    this.#input.value = query;
    this.ask();
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  /** Puts a term into the query, or takes it out. */
  toggle(term) {
    const terms = this.query.split(/\s+/).filter(Boolean);
    this.query = (terms.includes(term) ? terms.filter((word) => word !== term) : [...terms, term]).join(" ");
  }

  /** Asks again after a change, but not for each of many changes. */
  refresh() {
    if (this.query) this.#soon();
  }

  /** Asks now. */
  async ask() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#last = performance.now();
    const { query } = this;
    const asked = ++this.#asked;
    for (const [term, chip] of this.#chips)
      chip.setAttribute("aria-pressed", String(query.split(/\s+/).includes(term)));
    if (!query) {
      this.#show(null);
      this.#filter(null);
      return;
    }
    try {
      const ids = new Set();
      for await (const { messages, matched, next } of listMessages({ q: query })) {
        if (asked !== this.#asked) return;
        const first = ids.size === 0;
        for (const { id } of messages) ids.add(id);
        this.#show(`${matched} found`);
        // The newest are shown at once, the others when all of them are there.
        if (first || !next) this.#filter(new Set(ids));
      }
    } catch (problem) {
      if (asked === this.#asked) this.#show(problem.message, true);
    }
  }

  #soon() {
    // A pause since the last search, not since the last change: a stream of messages must not put it off for ever.
    const rest = Math.max(0, this.#last + PAUSE - performance.now());
    if (!this.#timer) this.#timer = setTimeout(() => this.ask(), rest);
  }

  #show(words, error = false) {
    this.#state.hidden = words === null;
    this.#state.textContent = words ?? "";
    this.#state.classList.toggle("error", error);
    this.#input.setAttribute("aria-invalid", String(error));
  }
}

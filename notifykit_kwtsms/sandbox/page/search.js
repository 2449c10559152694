// The search: the sandbox knows the grammar, this asks it, and asks again when something changes.

import { messages } from "./api.js";
import { el } from "./dom.js";

const PAUSE = 180;
const WINDOW = 1000;
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
  #limit;

  /** `limit(ids)` is told what matches: a set, or null without a search. */
  constructor(form, limit) {
    this.#input = form.querySelector("input");
    this.#state = form.querySelector("#search-state");
    this.#limit = limit;
    const group = form.querySelector("#filters");
    for (const [words, term] of FILTERS) {
      const chip = el(
        "button",
        { type: "button", class: "filter", "aria-pressed": "false", title: term, onclick: () => this.toggle(term) },
        words,
      );
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

  /** Something changed: ask again, but not for each of many changes. */
  stale() {
    if (this.query) this.#soon();
  }

  /** Asks now. */
  async ask() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { query } = this;
    const asked = ++this.#asked;
    for (const [term, chip] of this.#chips)
      chip.setAttribute("aria-pressed", String(query.split(/\s+/).includes(term)));
    if (!query) {
      this.#say(null);
      this.#limit(null);
      return;
    }
    try {
      const ids = new Set();
      let before;
      do {
        const found = await messages({ q: query, limit: WINDOW, before });
        if (asked !== this.#asked) return;
        for (const { id } of found.messages) ids.add(id);
        before = found.next;
      } while (before);
      this.#say(`${ids.size} found`);
      this.#limit(ids);
    } catch (problem) {
      if (asked === this.#asked) this.#say(problem.message, true);
    }
  }

  #soon() {
    // A pause since the first change, not since the last: a stream of messages must not put it off for ever.
    if (!this.#timer) this.#timer = setTimeout(() => this.ask(), PAUSE);
  }

  #say(words, bad = false) {
    this.#state.hidden = words === null;
    this.#state.textContent = words ?? "";
    this.#state.classList.toggle("bad", bad);
    this.#input.setAttribute("aria-invalid", String(bad));
  }
}

// The column of rows: which view it shows, where it stands, and going up and down in it.

import { el, icon, set, spoken } from "./dom.js";
import { count } from "./format.js";
import { logRows, queueRows } from "./log.js";
import { rowParts, updateRow } from "./rows.js";
import { threadRows } from "./threads.js";
import { WindowedList } from "./windowed.js";

const LABELS = { threads: "Threads", log: "Log", queue: "Queue" };

export class List {
  #store;
  #selection;
  #view = "threads";
  #unfolded = new Set();
  #items = [];
  #byKey = new Map();
  #window;
  #opened = { id: null, number: null };
  #active = null;
  #open = undefined; // the row of the open message

  constructor(scroller, store, selection) {
    this.#store = store;
    this.#selection = selection;
    this.#window = new WindowedList(scroller, {
      label: LABELS.threads,
      key: (item) => item.key,
      make: (item) => this.#make(item),
      update: (row, item) => this.#update(row, item),
    });
    scroller.addEventListener("focusin", (event) => {
      const key = event.target.closest("li")?.dataset.key;
      if (key && key !== this.#active) {
        this.#active = key;
        this.#window.refresh();
      }
    });
    selection.onChange(() => this.#window.refresh());
  }

  get items() {
    return this.#items;
  }

  set view(view) {
    this.#view = view;
    this.#window.label = LABELS[view];
    this.show();
  }

  get view() {
    return this.#view;
  }

  /** Says which message is open, so that its row is marked. */
  set opened(opened) {
    this.#opened = opened;
    this.#open = this.#find();
    if (this.#open) this.#active = this.#open.key;
    this.#window.refresh();
  }

  /** Draws what the store has now. */
  show() {
    const rows = {
      threads: () => threadRows(this.#store, this.#unfolded),
      log: () => logRows(this.#store),
      queue: () => queueRows(this.#store),
    };
    this.#items = rows[this.#view]();
    this.#byKey = new Map(this.#items.map((item) => [item.key, item]));
    this.#open = this.#find();
    if (!this.#byKey.has(this.#active)) this.#active = this.#open?.key ?? this.#items[0]?.key ?? null;
    this.#window.show(this.#items);
  }

  /** Opens the next row, or the one before, and moves the focus to it. */
  step(by) {
    if (!this.#items.length) return;
    const focused = this.#byKey.get(document.activeElement?.closest?.("li.row")?.dataset.key);
    const from = this.#items.indexOf(focused ?? this.#open);
    const to = from < 0 ? 0 : Math.max(0, Math.min(this.#items.length - 1, from + by));
    this.go(this.#items[to]);
  }

  /** Opens the first or the last row. */
  edge(last) {
    const item = this.#items.at(last ? -1 : 0);
    if (item) this.go(item);
  }

  /** Opens a row and moves the focus to it. */
  go(item) {
    location.hash = item.href;
    this.#active = item.key;
    this.#window.reveal(item.key)?.querySelector("a").focus({ preventScroll: true });
  }

  /** Moves the focus into the list. */
  focus() {
    this.#window.reveal(this.#active)?.querySelector("a").focus({ preventScroll: true });
  }

  /** Brings the open message into sight. */
  reveal() {
    const item = this.#open;
    if (item) this.#window.reveal(item.key);
  }

  /** The row that the keyboard means: the one with the focus, else the open one. */
  get target() {
    return this.#byKey.get(document.activeElement?.closest?.("li.row")?.dataset.key) ?? this.#open;
  }

  /** Selects the row that the keyboard means, or with `range` all up to it. */
  pick(range) {
    const item = this.target;
    if (!item) return;
    if (range) this.#selection.range(this.#items, item.key);
    else this.#selection.toggle(item.key, item.ids);
  }

  #find() {
    const { id, number } = this.#opened;
    if (id === null) return undefined;
    const rows = this.#items.filter((item) => item.ids.includes(id));
    return rows.find((item) => item.number === (number ?? undefined)) ?? rows[0];
  }

  #make(item) {
    const parts = rowParts((event) => {
      const now = this.#byKey.get(item.key);
      if (event.shiftKey) this.#selection.range(this.#items, item.key);
      else this.#selection.toggle(item.key, now?.ids ?? item.ids, event.target.checked);
    });
    parts[1].addEventListener("click", (event) => this.#click(event, item.key));
    if (item.kind === "batch") {
      const button = el("button", { type: "button", class: "unfold", tabindex: -1 }, icon("down"), spoken("Numbers"));
      button.addEventListener("click", () => this.#unfold(item.key));
      parts.push(button);
    }
    return parts;
  }

  #click(event, key) {
    const item = this.#byKey.get(key);
    if (!item || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (event.shiftKey) this.#selection.range(this.#items, key);
    else this.#selection.toggle(key, item.ids);
  }

  #unfold(key) {
    if (!this.#unfolded.delete(key)) this.#unfolded.add(key);
    this.show();
  }

  #update(row, item) {
    row.dataset.key = item.key;
    row.classList.toggle("member", item.kind === "member");
    const active = item.key === this.#active;
    const current = item === this.#open;
    const selected = this.#selection.has(item.ids);
    updateRow(row, item, { active, current, selected });
    const button = row.querySelector(".unfold");
    if (button) {
      set(button, { "aria-expanded": String(item.unfolded), tabindex: active ? 0 : -1 });
      button.title = `${item.unfolded ? "Fold" : "Unfold"} ${count(item.message.to.length, "number")}`;
    }
  }
}

// A list of which only the rows in sight are in the document. A row keeps its element, and with it the focus and the
// selection; the row with the focus stays even when it is scrolled away.

import { el, set } from "./dom.js";

/** Rows beyond either edge that are kept ready. */
const SPARE = 6;

export class VirtualList {
  #scroller;
  #list;
  #make;
  #update;
  #key;
  #items = [];
  #positions = new Map();
  #rows = new Map();
  #height = 0;
  #pending = false;

  /**
   * `scroller` is the element that scrolls. `make(item)` returns a row's content, `update(row, item)` brings it up to
   * date, `key(item)` names it. All rows are as high as `--row` of the scroller says.
   */
  constructor(scroller, { label, make, update, key }) {
    this.#scroller = scroller;
    this.#make = make;
    this.#update = update;
    this.#key = key;
    this.#list = el("ul.rows", { role: "list", "aria-label": label });
    scroller.append(this.#list);
    scroller.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#soon()).observe(scroller);
  }

  set label(label) {
    this.#list.setAttribute("aria-label", label);
  }

  /** Shows other items. Who has scrolled down keeps the place, new rows at the top notwithstanding. */
  show(items) {
    const height = this.#rowHeight();
    const top = this.#scroller.scrollTop;
    const anchor = top > height ? this.#items[Math.floor(top / height)] : undefined;
    this.#items = items;
    this.#positions = new Map(items.map((item, position) => [this.#key(item), position]));
    this.#list.style.height = `${items.length * height}px`;
    const moved = anchor === undefined ? undefined : this.#positions.get(this.#key(anchor));
    if (moved !== undefined) {
      const place = moved * height + (top % height);
      if (Math.abs(place - top) >= 1) this.#scroller.scrollTop = place;
    }
    this.refresh();
  }

  /** Brings a row into sight and returns its element. */
  reveal(key) {
    const position = this.#positions.get(key);
    if (position === undefined) return undefined;
    const height = this.#rowHeight();
    const { scrollTop, clientHeight } = this.#scroller;
    const start = position * height;
    if (start < scrollTop) this.#scroller.scrollTop = start;
    else if (start + height > scrollTop + clientHeight) this.#scroller.scrollTop = start + height - clientHeight;
    this.refresh();
    return this.#rows.get(key);
  }

  #rowHeight() {
    // The style sheet says it in rem, so that larger text gets higher rows.
    const probe = Number.parseFloat(getComputedStyle(this.#scroller).getPropertyValue("--row"));
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const height = Math.round((probe || 4) * rem);
    if (height !== this.#height) {
      this.#height = height;
      this.#list.style.height = `${this.#items.length * height}px`;
    }
    return height;
  }

  #soon() {
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      this.refresh();
    });
  }

  /** Draws the rows again, after something outside of the items has changed. */
  refresh() {
    const height = this.#rowHeight();
    const { scrollTop, clientHeight } = this.#scroller;
    const first = Math.max(0, Math.floor(scrollTop / height) - SPARE);
    const end = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / height) + SPARE);
    const wanted = new Map();
    for (let position = first; position < end; position += 1) wanted.set(this.#key(this.#items[position]), position);
    const lost = this.#removeOthers(wanted);
    let before = null;
    for (const [key, position] of [...wanted].sort((one, two) => one[1] - two[1])) {
      const row = this.#drawRow(key, position, height);
      // Document order is reading order; a row that is in place is not moved, or it would lose the focus.
      const next = before ? before.nextSibling : this.#list.firstChild;
      if (row !== next) this.#place(row, next);
      before = row;
    }
    if (lost === null || !this.#items.length) return;
    const neighbour = this.reveal(this.#key(this.#items[Math.min(lost, this.#items.length - 1)]));
    neighbour?.querySelector("a")?.focus({ preventScroll: true });
  }

  /** Removes the rows that are not wanted; returns the position of the one that had the focus and is gone, or null. */
  #removeOthers(wanted) {
    let lost = null;
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      const position = this.#positions.get(key);
      if (row.contains(document.activeElement)) {
        if (position !== undefined) {
          wanted.set(key, position);
          continue;
        }
        lost = Number(row.getAttribute("aria-posinset")) - 1;
      }
      row.remove();
      this.#rows.delete(key);
    }
    return lost;
  }

  #drawRow(key, position, height) {
    const item = this.#items[position];
    let row = this.#rows.get(key);
    if (!row) {
      row = el("li.row", this.#make(item));
      this.#rows.set(key, row);
    }
    this.#update(row, item);
    set(row, { "aria-setsize": this.#items.length, "aria-posinset": position + 1 });
    row.style.transform = `translateY(${position * height}px)`;
    return row;
  }

  #place(row, next) {
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    if (row.isConnected && this.#list.moveBefore) this.#list.moveBefore(row, next);
    else this.#list.insertBefore(row, next);
    if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
  }
}

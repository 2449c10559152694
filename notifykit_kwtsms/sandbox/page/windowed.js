// A list of which only what is in sight is in the document. Rows keep their elements while they stay, so focus and
// selection do; the row with the focus stays even when it is scrolled away.

import { el } from "./dom.js";

/** Rows beyond either edge that are kept ready. */
const SPARE = 6;

export class WindowedList {
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
    this.#list = el("ul", { class: "rows", role: "list", "aria-label": label });
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
    this.#draw();
  }

  /** Draws the rows again, after something outside of the items has changed. */
  refresh() {
    this.#draw();
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
    this.#draw();
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
      this.#draw();
    });
  }

  #draw() {
    const height = this.#rowHeight();
    const first = Math.max(0, Math.floor(this.#scroller.scrollTop / height) - SPARE);
    const last = Math.min(
      this.#items.length,
      Math.ceil((this.#scroller.scrollTop + this.#scroller.clientHeight) / height) + SPARE,
    );
    const wanted = new Map();
    for (let position = first; position < last; position += 1) {
      wanted.set(this.#key(this.#items[position]), position);
    }
    let lost;
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      const position = this.#positions.get(key);
      if (row.contains(document.activeElement)) {
        if (position !== undefined) {
          wanted.set(key, position);
          continue;
        }
        // The row with the focus is gone from the list: its neighbour inherits.
        lost = Number(row.getAttribute("aria-posinset")) - 1;
      }
      row.remove();
      this.#rows.delete(key);
    }
    const order = [...wanted].sort((one, two) => one[1] - two[1]);
    let before = null;
    for (const [key, position] of order) {
      const item = this.#items[position];
      let row = this.#rows.get(key);
      if (!row) {
        row = el("li", { class: "row" });
        row.append(...this.#make(item));
        this.#rows.set(key, row);
      }
      this.#update(row, item);
      row.setAttribute("aria-setsize", this.#items.length);
      row.setAttribute("aria-posinset", position + 1);
      row.style.transform = `translateY(${position * height}px)`;
      // Document order is reading order; a row that is in place is not moved, or it would lose the focus.
      const next = before ? before.nextSibling : this.#list.firstChild;
      if (row !== next) this.#place(row, next);
      before = row;
    }
    if (lost !== undefined && this.#items.length) {
      const heir = this.reveal(this.#key(this.#items[Math.min(lost, this.#items.length - 1)]));
      heir?.querySelector("a")?.focus({ preventScroll: true });
    }
  }

  #place(row, next) {
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    if (row.isConnected && this.#list.moveBefore) this.#list.moveBefore(row, next);
    else this.#list.insertBefore(row, next);
    if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
  }
}

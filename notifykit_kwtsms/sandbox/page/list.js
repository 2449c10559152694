// The column of messages: the rows of each view, going up and down in them, what can be done with the selected ones.

import { badge, el, fill, hiddenText, icon, set, tagForm, unreadBadge } from "./dom.js";
import { count, encodingName, fullTime, phoneNumber, recipients, shortTime, showText } from "./format.js";
import { VirtualList } from "./virtual_list.js";

const LABELS = { threads: "Threads", log: "Log", queue: "Queue" };

export class List {
  #store;
  #selection;
  #view = "threads";
  #expanded = new Set();
  #items = [];
  #byKey = new Map();
  #rows;
  #opened = { id: null, number: null };
  #active = null; // the key of the row that Tab leads to
  #open = undefined; // the row of the open message

  constructor(scroller, store, selection) {
    this.#store = store;
    this.#selection = selection;
    this.#rows = new VirtualList(scroller, {
      label: LABELS.threads,
      key: (item) => item.key,
      make: (item) => this.#make(item),
      update: (row, item) => this.#update(row, item),
    });
    scroller.addEventListener("focusin", (event) => {
      const key = event.target.closest("li")?.dataset.key;
      if (key && key !== this.#active) {
        this.#active = key;
        this.#rows.refresh();
      }
    });
    selection.onChange(() => this.#rows.refresh());
  }

  get items() {
    return this.#items;
  }

  set view(view) {
    this.#view = view;
    this.#rows.label = LABELS[view];
    this.show();
  }

  get view() {
    return this.#view;
  }

  /** Sets which message is open, so that its row is marked. */
  set opened(opened) {
    this.#opened = opened;
    this.#open = this.#find();
    if (this.#open) this.#active = this.#open.key;
    this.#rows.refresh();
  }

  /** Draws what the store has now. */
  show() {
    const { views } = this.#store;
    this.#items =
      this.#view === "threads"
        ? views.threads.flatMap((thread) => threadRows(thread, this.#expanded.has(thread.key)))
        : views[this.#view].map(messageRow);
    this.#byKey = new Map(this.#items.map((item) => [item.key, item]));
    this.#open = this.#find();
    if (!this.#byKey.has(this.#active)) this.#active = this.#open?.key ?? this.#items[0]?.key ?? null;
    this.#rows.show(this.#items);
  }

  /** Opens the next row, or the one before, and moves the focus to it. */
  step(by) {
    const from = this.#items.indexOf(this.target);
    this.go(this.#items[from < 0 ? 0 : Math.max(0, Math.min(this.#items.length - 1, from + by))]);
  }

  /** Opens a row and moves the focus to it. */
  go(item) {
    if (!item) return;
    location.hash = item.href;
    this.#active = item.key;
    this.focus();
  }

  /** Moves the focus into the list. */
  focus() {
    this.#rows.reveal(this.#active)?.querySelector("a").focus({ preventScroll: true });
  }

  /** Brings the open message into sight. */
  reveal() {
    if (this.#open) this.#rows.reveal(this.#open.key);
  }

  /** The row that the keyboard means: the one with the focus, else the open one. */
  get target() {
    return this.#byKey.get(document.activeElement?.closest?.("li.row")?.dataset.key) ?? this.#open;
  }

  /** Selects the row that the keyboard means, or with `range` all up to it. */
  select(range) {
    if (this.target) this.#select(this.target.key, range);
  }

  #select(key, range, wanted) {
    if (range) this.#selection.selectRange(this.#items, key);
    else this.#selection.toggle(key, this.#byKey.get(key)?.ids ?? [], wanted);
  }

  #find() {
    const { id, number } = this.#opened;
    if (id === null) return undefined;
    const rows = this.#items.filter((item) => item.ids.includes(id));
    return rows.find((item) => item.number === (number ?? undefined)) ?? rows[0];
  }

  #make({ key, kind }) {
    const check = (event) => this.#select(key, event.shiftKey, event.target.checked);
    const click = (event) => {
      if (!(event.shiftKey || event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#select(key, event.shiftKey);
    };
    const expand = () => {
      if (!this.#expanded.delete(key)) this.#expanded.add(key);
      this.show();
    };
    return [
      el("label.row-check", el("input", { type: "checkbox", tabindex: -1, onclick: check })),
      el(
        "a.row-link",
        { tabindex: -1, draggable: "false", onclick: click },
        el(
          "span.row-line",
          el("span.row-title.private"),
          el("span.row-note.muted.tiny"),
          el("time.row-time.muted.tiny"),
        ),
        el("span.row-line", el("span.row-text"), el("span.badges")),
      ),
      kind === "batch" &&
        el("button.quiet.expand", { tabindex: -1, onclick: expand }, icon("down"), hiddenText("Numbers")),
    ];
  }

  #update(row, item) {
    row.dataset.key = item.key;
    const tabindex = item.key === this.#active ? 0 : -1;
    const current = item === this.#open;
    const box = row.querySelector("input");
    box.checked = this.#selection.has(item.ids);
    box.tabIndex = tabindex;
    row.classList.toggle("member", item.kind === "member");
    row.classList.toggle("selected", box.checked);
    row.classList.toggle("unread", item.unread > 0);
    row.classList.toggle("current", current);
    set(row.querySelector(".row-link"), { href: item.href, "aria-current": current ? "true" : null, tabindex });
    const button = row.querySelector(".expand");
    if (button) {
      const title = `${item.expanded ? "Fold" : "Unfold"} ${count(item.message.to.length, "number")}`;
      set(button, { "aria-expanded": String(item.expanded), tabindex, title });
    }
    updateText(row, item);
  }
}

/** Brings the words of a row up to date, where they changed. */
function updateText(row, item) {
  const { name, title, note, unread, message } = item;
  const stamp = [message.id, message.state, unread, title, note, message.queued].join(" ");
  if (row.dataset.stamp === stamp) return;
  row.dataset.stamp = stamp;
  const part = (selector) => row.querySelector(selector);
  set(part("input"), { "aria-label": `Select ${name}` });
  fill(part(".row-title"), title);
  fill(part(".row-note"), note);
  fill(set(part(".row-time"), { datetime: message.at, title: fullTime(message.at) }), shortTime(message.at));
  showText(part(".row-text"), { ...message, text: firstLine(message.text) }, { links: false });
  fill(part(".badges"), item.badges());
}

const firstLine = (text) => text.slice(0, 140).replace(/\s+/g, " ") || "(empty)";

/** Returns the badges of a message: words, never colour alone. */
function badgesOf(message, unread) {
  return [
    message.agrees === false && badge("Points differ", "error"),
    !message.accepted && badge(message.code ?? (message.state === "cut" ? "Cut" : "Refused"), "error"),
    message.fault && badge("Fault", "warning", message.fault),
    message.queued && badge("Test", "test", "In the queue; no phone gets it"),
    message.encoding !== "gsm7" && badge(encodingName(message.encoding), "warning"),
    message.segments > 1 && badge(`${message.segments}×`, "plain", count(message.segments, "segment")),
    unread > 0 && unreadBadge(unread),
  ];
}

/** A row: its key, the messages it stands for, and what it opens. Its words are made when it is drawn: most never are. */
class Row {
  constructor(key, kind, ids, message, unread, expanded) {
    this.key = key;
    this.kind = kind;
    this.ids = ids;
    this.message = message;
    this.unread = unread;
    this.expanded = expanded;
  }

  get href() {
    return `#/m/${this.message.id}`;
  }

  get title() {
    return this.message.to.length ? recipients(this.message) : "no number";
  }

  get note() {
    const many = this.ids.length > 1;
    if (this.kind === "message") return this.message.sender;
    if (this.kind === "batch") return many ? `${this.ids.length} tries` : "";
    return many ? this.ids.length : "";
  }

  get name() {
    if (this.kind === "message") return `message ${this.message.id} to ${this.title}`;
    return this.kind === "batch" ? `request to ${this.title}` : `${this.title}, ${count(this.ids.length, "message")}`;
  }

  badges() {
    return [this.kind === "batch" && badge("Batch"), badgesOf(this.message, this.unread)];
  }
}

const messageRow = (message) => new Row(`m${message.id}`, "message", [message.id], message, message.unread ? 1 : 0);

/** Returns the row of a number; or that of a request to several numbers, and when it is expanded theirs. */
function threadRows({ key, to, ids, last, unread }, expanded) {
  const row = new Row(key, to.length === 1 ? "number" : "batch", ids, last, unread, expanded);
  return expanded && row.kind === "batch" ? [row, ...to.map((number) => memberRow(row, number))] : [row];
}

function memberRow(batch, number) {
  const title = phoneNumber(number);
  const href = `${batch.href}/${encodeURIComponent(number)}`;
  const key = `${batch.key}/${number}`;
  const { message, ids, note, expanded } = batch;
  return { key, kind: "member", ids, message, note, expanded, number, href, title, unread: 0, name: title, badges: () => [] };
}

/** The selected messages, and ranges with shift. */
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

  /** Returns whether every one of these is selected. */
  has(ids) {
    return ids.length > 0 && ids.every((id) => this.#ids.has(id));
  }

  /** Selects a row or deselects it. `key` names it for a later range. */
  toggle(key, ids, wanted = !this.has(ids)) {
    this.#anchor = key;
    this.#change(ids, wanted);
  }

  /** Selects from the row of the last toggle to this one. `rows` are `{key, ids}` in the order of the list. */
  selectRange(rows, key) {
    const from = rows.findIndex((row) => row.key === this.#anchor);
    const to = rows.findIndex((row) => row.key === key);
    if (to < 0) return;
    if (from < 0) this.#anchor = key;
    const [start, end] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    const chosen = rows.slice(start, end + 1);
    this.#change(
      chosen.flatMap((row) => row.ids),
      true,
    );
  }

  /** Deselects what does not exist any more. */
  keep(exists) {
    const gone = this.ids.filter((id) => !exists(id));
    if (gone.length) this.#change(gone, false);
  }

  clear() {
    this.#anchor = null;
    this.#change(this.ids, false);
  }

  #change(ids, wanted) {
    for (const id of ids) {
      if (wanted) this.#ids.add(id);
      else this.#ids.delete(id);
    }
    for (const listener of this.#listeners) listener();
  }
}

/** Draws the bar for the selected messages; it keeps the field for a tag while a person types. */
export function drawSelectionBar(node, selection, actions, mark) {
  node.hidden = selection.size === 0;
  if (node.hidden) {
    node.replaceChildren();
    return;
  }
  if (!node.firstChild) {
    const act = (run) => () => {
      const { ids } = selection;
      selection.clear();
      document.getElementById("list").focus();
      run(ids);
    };
    const button = (words, run) => el("button.quiet", { onclick: act(run) }, words);
    fill(
      node,
      el("span.bulk-count.figure"),
      button("Read", (ids) => mark(ids, false)),
      button("Unread", (ids) => mark(ids, true)),
      button("Delete", (ids) => actions.delete(ids)),
      tagForm("Tag for the selected", "Tag", (tag) => act((ids) => actions.tagAll(ids, tag))()),
      button("None", () => {}),
    );
  }
  node.querySelector(".bulk-count").textContent = `${selection.size} selected`;
}

/** Draws the line below the list: what can be done with all that is shown. */
export function drawFooter(node, list, { unread, queued, query }, actions) {
  const shown = list.items.length > 0;
  const stamp = JSON.stringify([list.view, shown, unread > 0, queued, query]);
  if (node.dataset.stamp === stamp) return;
  node.dataset.stamp = stamp;
  const button = (words, onclick) => el("button.quiet", { onclick }, words);
  if (list.view === "queue") {
    fill(node, queued > 0 && button(`Delete all ${queued} to recover credits`, () => actions.recoverAll()));
    return;
  }
  const markAllRead = () =>
    actions.mark(
      list.items.filter((item) => item.unread).flatMap((item) => item.ids),
      false,
    );
  const words = query ? "Delete what was found" : "Delete all";
  fill(node, unread > 0 && button("All read", markAllRead), shown && button(words, () => actions.deleteFound(query)));
}

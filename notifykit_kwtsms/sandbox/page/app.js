// Puts the parts of the page together: which message is open, what the keys do, what an event changes.

import { showAccount } from "./account.js";
import { Actions } from "./actions.js";
import { say, sayArrived } from "./announce.js";
import * as api from "./api.js";
import { drawBulk, drawFoot } from "./bulk.js";
import { showChaos } from "./chaos.js";
import { detail, forget, forgetAll } from "./details.js";
import { el, fill, icon, set, spoken } from "./dom.js";
import * as drawer from "./drawer.js";
import { showEmpty } from "./empty.js";
import { Inspector } from "./inspector.js";
import { listen, showHelp } from "./keys.js";
import { List } from "./list.js";
import { follow } from "./live.js";
import { copy } from "./copying.js";
import { Phone } from "./phone.js";
import { nextTheme, showSettings } from "./preferences.js";
import { toggleBlur } from "./privacy.js";
import { Search } from "./search.js";
import { Selection } from "./select.js";
import { apply, get, onSetting, put } from "./settings.js";
import { Store } from "./store.js";
import * as strip from "./strip.js";
import { takeBack, toast } from "./undo.js";
import { notify, showUnread } from "./unread.js";

const WINDOW = 1000;
const node = (id) => document.getElementById(id);

apply();

const store = new Store();
const selection = new Selection();
const list = new List(node("list"), store, selection);
const phone = new Phone(node("phone"), store);
const actions = new Actions(store, (id) => {
  if (id === open.id) inspector.draw();
});
actions.markAll = () =>
  actions.mark(
    list.items.flatMap((item) => item.ids),
    false,
  );
const inspector = new Inspector(node("tabs"), node("panel"), actions);
const search = new Search(node("search"), (ids) => store.limit(ids));

/** The message that is open, and which of its numbers. */
let open = { id: null, number: null };
/** What somebody marked unread although it is in sight. */
const leftUnread = new Set();
let label = null;
/** Until the first list is here nobody knows whether the inbox is empty. */
let ready = false;

// ---- Which message is open ------------------------------------------------------------------------------------------

const ROUTE = /^#\/m\/([^/]+)(?:\/([^/]+))?$/;

async function route() {
  const found = ROUTE.exec(location.hash);
  if (!found) {
    show({ id: null, number: null });
    return;
  }
  const [, name, part] = found;
  const number = part === undefined ? null : decodeURIComponent(part);
  let id = /^\d{1,15}$/.test(name) ? Number(name) : null;
  if (id === null || !store.get(id)) {
    try {
      const value = await detail(decodeURIComponent(name));
      id = value.id;
      store.put(value);
    } catch (problem) {
      if (ready) toast(problem.message, { bad: true });
      show({ id: null, number: null });
      return;
    }
  }
  show({ id, number });
  pane(get("tab") === "phone" || document.body.dataset.pane === "list" ? "phone" : document.body.dataset.pane);
}

/** Opens what an address says, now; the event of the browser comes too late for what follows. */
function go(hash) {
  location.hash = hash;
  route();
}

function show(wanted) {
  if (wanted.id !== open.id) leftUnread.clear();
  open = wanted;
  list.opened = open;
  list.reveal();
  inspector.show(open.id);
  if (open.id === null) phone.clear();
  else phone.show(open.id, open.number);
  drawTools();
  drawEmpty();
  seen();
}

/** Marks as read what is in sight: the open message, and in the thread view all of its thread. */
function seen() {
  const message = store.get(open.id);
  if (!message || document.hidden) return;
  const row = get("view") === "threads" ? list.items.find((item) => item.ids.includes(message.id)) : null;
  const ids = (row?.ids ?? [message.id]).filter((id) => store.get(id)?.unread && !leftUnread.has(id));
  if (ids.length) actions.mark(ids, false);
}

/** Marks as a person wants it; what they mark unread stays so while it is open. */
function mark(ids, unread) {
  for (const id of ids) if (unread) leftUnread.add(id);
  actions.mark(ids, unread);
}

function pane(name) {
  document.body.dataset.pane = name;
}

function back() {
  const now = document.body.dataset.pane;
  if (selection.size) {
    selection.clear();
    return;
  }
  if (now === "inspector") {
    pane("phone");
    node("phone").querySelector("a[aria-current]")?.focus();
    return;
  }
  if (open.id !== null) {
    list.focus();
    pane("list");
    go("#/");
    list.focus();
  }
}

/** The messages that a key means: the selected ones, else the row with the focus. */
function meant() {
  if (selection.size) return selection.ids;
  const target = list.target;
  if (target)
    return target.kind === "message" || get("view") !== "threads"
      ? target.ids
      : open.id !== null && target.ids.includes(open.id)
        ? [open.id]
        : target.ids;
  return open.id === null ? [] : [open.id];
}

function remove() {
  const ids = meant();
  if (!ids.length) return;
  if (ids.includes(open.id)) {
    const at = list.items.findIndex((item) => item.ids.includes(open.id));
    const left = (item) => item.ids.some((id) => !ids.includes(id));
    const heir = list.items.slice(at).find(left) ?? list.items.slice(0, Math.max(at, 0)).findLast(left);
    const id = heir?.ids.find((candidate) => !ids.includes(candidate));
    go(id === undefined ? "#/" : `#/m/${id}`);
  }
  selection.clear();
  actions.remove(ids);
}

// ---- What stands around the message ---------------------------------------------------------------------------------

function drawTools() {
  const message = store.get(open.id);
  fill(
    node("message-tools"),
    message && [
      el("button", { type: "button", class: "quiet", onclick: () => mark([message.id], true) }, "Mark unread"),
      el("button", { type: "button", class: "quiet", onclick: remove }, icon("trash"), "Delete"),
    ],
  );
}

let emptyShown = null;

function drawEmpty() {
  const kind = !ready ? "none" : store.size === 0 ? "empty" : open.id === null ? "choose" : "none";
  document.body.classList.toggle("is-empty", kind === "empty");
  if (kind === emptyShown) return;
  emptyShown = kind;
  const place = node("empty");
  place.hidden = kind === "none";
  node("phone").hidden = kind !== "none";
  node("device-choice").hidden = kind !== "none";
  if (kind === "empty") showEmpty(place);
  else if (kind === "choose") fill(place, icon("phone"), el("p", {}, "Choose a message to see it as the phone would."));
  else fill(place);
}

function choice(words, name, value, title) {
  return { words, name, value, title };
}

const CHOICES = {
  views: [
    choice("Threads", "view", "threads"),
    choice("Log", "view", "log"),
    choice("Queue", "view", "queue", "Test messages that wait"),
  ],
  "device-choice": [
    choice("Smartphone", "device", "smart"),
    choice("Old phone", "device", "feature", "Seven lines and no pictures"),
    { ...choice(icon("theme"), "device_theme", "other", "Swap the colours of the phone"), spoken: "Swap colours" },
    {
      ...choice(el("bdi", { dir: "ltr" }, "A+"), "device_size", "large", "Larger text on the phone"),
      spoken: "A+, larger text",
    },
  ],
};
const OFF = { device_theme: "same", device_size: "normal" };

function drawChoices() {
  for (const [place, choices] of Object.entries(CHOICES)) {
    const group = node(place);
    if (!group.firstChild) {
      for (const { words, name, value, title, spoken: aria } of choices) {
        const click = () => put(name, get(name) === value && OFF[name] ? OFF[name] : value);
        group.append(
          el("button", { type: "button", title, "aria-label": aria, data: { name, value }, onclick: click }, words),
        );
      }
    }
    for (const button of group.children) {
      set(button, { "aria-pressed": String(get(button.dataset.name) === button.dataset.value) });
    }
  }
  const queue = node("views").querySelector("[data-value=queue]");
  const { length } = store.queued;
  fill(queue, "Queue", length ? [" ", el("span", { class: "badge" }, length, spoken(" waiting"))] : null);
  set(node("phone"), { data: { theme: get("device_theme"), size: get("device_size") } });
}

function drawFootLine() {
  const { query } = search;
  drawFoot(
    node("list-foot"),
    { view: list.view, shown: list.items.length, unread: store.unread, queued: store.queued.length, query },
    actions,
  );
  node("list").dataset.empty = list.items.length
    ? ""
    : list.view === "queue"
      ? "The queue is empty."
      : query
        ? "Nothing matches."
        : "";
}

// ---- Panels ---------------------------------------------------------------------------------------------------------

const PANELS = [
  ["account", "Account", showAccount],
  ["chaos", "Chaos", showChaos],
  ["settings", "Settings", showSettings],
  ["help", "Help", showHelp],
];
for (const [name, words, render] of PANELS) {
  drawer.panel(name, words, render);
  node("tools").append(
    el(
      "button",
      { type: "button", class: "quiet", "aria-haspopup": "dialog", title: words, onclick: () => drawer.toggle(name) },
      icon(name),
      el("span", { class: "tool-name" }, words),
    ),
  );
}
node("tools").prepend(
  el(
    "button",
    {
      type: "button",
      class: "quiet",
      id: "blur-switch",
      title: "Blur numbers and codes",
      "aria-pressed": String(get("blur")),
      onclick: toggleBlur,
    },
    icon("blur"),
    el("span", { class: "tool-name" }, "Blur"),
  ),
  el(
    "button",
    { type: "button", class: "quiet", id: "theme-switch", title: "Light, dark, as the system", onclick: nextTheme },
    icon("theme"),
    el("span", { class: "tool-name" }, "Theme"),
  ),
);

onSetting((name) => {
  if (name === "blur") set(node("blur-switch"), { "aria-pressed": String(get("blur")) });
  if (name === "view") {
    selection.clear();
    list.view = get("view");
  }
  if (name === "device") phone.draw(true);
  if (name.startsWith("device") || name === "dir") requestAnimationFrame(() => phone.draw());
  drawChoices();
  drawFootLine();
  if (["theme", "dir", "blur", "keys"].includes(name)) drawer.refresh("settings");
});

// A link to the message that is open already changes no address, and still shows it where the columns are folded.
document.addEventListener("click", (event) => {
  if (event.target.closest?.('a[href^="#/m/"]')?.hash === location.hash && !event.defaultPrevented) route();
});

for (const button of document.querySelectorAll("[data-back]")) {
  button.addEventListener("click", () => {
    pane(button.dataset.back);
    if (button.dataset.back === "list") list.focus();
    if (button.dataset.back === "inspector") node("tabs").querySelector("[aria-selected=true]").focus();
  });
}

// ---- Changes --------------------------------------------------------------------------------------------------------

store.onChange((changed) => {
  list.show();
  selection.keep((id) => store.get(id) !== undefined);
  if (open.id !== null && !store.get(open.id) && ready) go("#/");
  else if (open.id !== null && (changed.has(null) || concerns(changed))) {
    phone.draw();
    inspector.draw();
    seen();
  }
  drawChoices();
  drawFootLine();
  drawEmpty();
  if (ready) strip.showCount(store.size);
  showUnread(store.unread, label);
});
selection.onChange(() => drawBulk(node("bulk"), selection, actions, mark));

/** Whether a change can be seen on the phone: it is about the open message, or about its number. */
function concerns(changed) {
  if (changed.has(open.id)) return true;
  const number = open.number ?? store.get(open.id)?.to[0];
  return [...changed].some((id) => store.get(id)?.to.includes(number) ?? true);
}

async function read() {
  const found = [];
  let sequence = null;
  let before;
  do {
    const part = await api.messages({ limit: WINDOW, before });
    sequence ??= part.sequence;
    found.push(...part.messages);
    before = part.next;
  } while (before);
  forgetAll();
  ready = true;
  store.replace(found);
  search.stale();
  // The first list may come late, after the address has asked for one of its messages.
  if (open.id === null && ROUTE.test(location.hash)) route();
  return sequence;
}

let reading = 0;

function readSoon() {
  clearTimeout(reading);
  reading = setTimeout(() => read().catch((problem) => toast(problem.message, { bad: true })), 50);
}

const CHANGES = {
  new(message) {
    if (store.put(message)) {
      sayArrived(1);
      notify(1);
    }
    if (message["balance-after"] !== null && message.account === "sandbox") strip.showBalance(message["balance-after"]);
    search.stale();
  },
  update(message) {
    forget(message.id);
    store.put(message);
    search.stale();
  },
  delete({ ids }) {
    ids.forEach(forget);
    store.drop(ids);
  },
  async restore({ ids }) {
    const found = await Promise.all(ids.slice(0, 50).map((id) => detail(id).catch(() => null)));
    if (ids.length > 50) readSoon();
    else for (const message of found) if (message) store.put(message);
    search.stale();
  },
  fault({ fault }) {
    if (drawer.openPanel() === "chaos" && !drawer.busy()) drawer.refresh("chaos");
    say(`Fault: ${fault}`);
  },
  account({ username, balance }) {
    if (username === "sandbox") strip.showBalance(balance);
    if (drawer.openPanel() === "account" && !drawer.busy()) drawer.refresh("account");
  },
  chaos(state) {
    strip.showChaos(state);
    if (drawer.openPanel() === "chaos" && !drawer.busy()) drawer.refresh("chaos");
  },
  clock() {
    if (drawer.openPanel() === "account" && !drawer.busy()) drawer.refresh("account");
  },
  reset() {
    forgetAll();
    store.replace([]);
    readSoon();
  },
};
CHANGES.dlr = CHANGES.update;

function showStats(stats) {
  strip.showStats(stats);
  label = stats.label;
  node("label").hidden = !label;
  node("label").textContent = label ?? "";
  node("remote").hidden = !stats.remote;
  showUnread(store.unread, label);
}

// ---- Keys -----------------------------------------------------------------------------------------------------------

const inList = (event) => event.target.closest?.("#list") !== null;
const steps = (by) => (event) => (inList(event) ? list.step(by) : false);

function tab(name) {
  put("tab", name);
  pane("inspector");
  node("tabs").querySelector("[aria-selected=true]").focus();
}

listen(
  {
    j: () => list.step(1),
    k: () => list.step(-1),
    "/": () => {
      pane("list");
      search.focus();
    },
    o: async () => {
      const message = store.get(open.id);
      if (!message?.otp) return toast("There is no code in this message.");
      await copy(message.otp);
      return toast("The code is copied.");
    },
    x: () => list.pick(false),
    "Shift+x": () => list.pick(true),
    m: () => {
      const ids = meant();
      if (ids.length) mark(ids, !ids.some((id) => store.get(id)?.unread));
    },
    "#": remove,
    u: takeBack,
    d: () => open.id !== null && actions.deliver(open.id, undefined, open.number ?? undefined),
    e: () => tab("encoding"),
    r: () => tab(get("tab") === "request" ? "response" : get("tab") === "response" ? "raw" : "request"),
    b: toggleBlur,
    c: () => drawer.toggle("chaos"),
    a: () => drawer.toggle("account"),
    t: nextTheme,
    "?": () => drawer.toggle("help"),
  },
  {
    ArrowDown: steps(1),
    ArrowUp: steps(-1),
    Home: (event) => (inList(event) ? list.edge(false) : false),
    End: (event) => (inList(event) ? list.edge(true) : false),
    Escape: (event) => {
      if (event.target.matches?.("#query") && search.query) search.query = "";
      else if (event.target.matches?.("input:not([type=checkbox]), select, textarea")) list.focus();
      else back();
    },
  },
);

// ---- Start ----------------------------------------------------------------------------------------------------------

strip.makeStrip(node("strip"));
list.view = get("view");
drawChoices();
inspector.show(null);
addEventListener("hashchange", route);
document.addEventListener("visibilitychange", seen);
await follow({ read, change: (kind, data) => CHANGES[kind](data), stats: showStats, state: strip.showLink });

// Puts the parts of the page together: which message is open, what the keys do, what an event changes.

import { showAccount } from "./account.js";
import { getDetails, invalidate, listMessages } from "./api.js";
import { refreshUnlessTyping, refreshDialog, registerPanel, toggleDialog } from "./dialog.js";
import { el, fill, hiddenText, icon, isolated, set } from "./dom.js";
import { EventStream } from "./event_stream.js";
import { showFaults } from "./faults.js";
import * as header from "./header.js";
import { Inspector } from "./inspector.js";
import { List, Selection, drawFooter, drawSelectionBar } from "./list.js";
import * as notifications from "./notifications.js";
import { Phone, showEmpty } from "./phone.js";
import * as preferences from "./preferences.js";
import { Search } from "./search.js";
import { listenToKeys, showHelp } from "./shortcuts.js";
import { Actions, Store } from "./store.js";

const { preference, setPreference } = preferences;
const { announce, toast, toastError } = notifications;
const node = (id) => document.getElementById(id);

preferences.applyPreferences();

const store = new Store();
const selection = new Selection();
const list = new List(node("list"), store, selection);
const phone = new Phone(node("phone"), store);
const actions = new Actions(store, (id) => {
  if (id === open.id) inspector.draw();
});
const inspector = new Inspector(node("tabs"), node("panel"), actions);
const search = new Search(node("search"), (ids) => store.filter(ids));

/** The message that is open, and which of its numbers. */
let open = { id: null, number: null };
/** The message that a person marked unread although it is open. */
const keptUnread = new Set();
let label = null;
/** Whether the first list has arrived: before, the inbox may or may not be empty. */
let ready = false;
/** Whether the older messages have arrived too, and which reading they belong to. */
let complete = false;
let readings = 0;

// ---- Which message is open ------------------------------------------------------------------------------------------

const ROUTE = /^#\/m\/([^/]+)(?:\/([^/]+))?$/;

/** Opens what the address says. */
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
      const value = await getDetails(decodeURIComponent(name));
      id = value.id;
      store.put(value);
    } catch (problem) {
      if (ready) toastError(problem);
      show({ id: null, number: null });
      return;
    }
  }
  show({ id, number });
  if (preference("tab") === "phone" || pane() === "list") showPane("phone");
}

/** Opens an address now; the event of the browser comes too late for what follows. */
function go(hash) {
  location.hash = hash;
  route();
}

function show(wanted) {
  if (wanted.id !== open.id) keptUnread.clear();
  open = wanted;
  list.opened = open;
  list.reveal();
  inspector.show(open.id);
  if (open.id === null) phone.clear();
  else phone.show(open.id, open.number);
  drawMessageTools();
  drawEmpty();
  markSeen();
}

/** Marks as read what is in sight: the open message, and in the thread view all of its thread. */
function markSeen() {
  const message = store.get(open.id);
  if (!message || document.hidden) return;
  const row = preference("view") === "threads" ? list.items.find((item) => item.ids.includes(message.id)) : null;
  const ids = (row?.ids ?? [message.id]).filter((id) => store.get(id)?.unread && !keptUnread.has(id));
  if (ids.length) actions.mark(ids, false);
}

/** Marks as a person wants it; what they mark unread stays so while it is open. */
function mark(ids, unread) {
  for (const id of ids) if (unread) keptUnread.add(id);
  actions.mark(ids, unread);
}

/** The column that is shown where there is room for one. */
const pane = () => document.body.dataset.pane;

function showPane(name) {
  document.body.dataset.pane = name;
}

function back() {
  if (selection.size) selection.clear();
  else if (pane() === "inspector") {
    showPane("phone");
    node("phone").querySelector("a[aria-current]")?.focus();
  } else if (open.id !== null) {
    list.focus();
    showPane("list");
    go("#/");
    list.focus();
  }
}

/** The messages that a key means: the selected ones, else the row with the focus, else the open one. */
function targets() {
  if (selection.size) return selection.ids;
  const { target } = list;
  const isOpen = open.id !== null && (!target || target.ids.includes(open.id));
  if (isOpen && (!target || (target.kind !== "message" && preference("view") === "threads"))) return [open.id];
  return target?.ids ?? [];
}

/** Deletes messages, and opens the one that then stands where the open one stood. */
function remove(ids) {
  if (!ids.length) return;
  if (ids.includes(open.id)) {
    const at = list.items.findIndex((item) => item.ids.includes(open.id));
    const stays = (item) => item.ids.some((id) => !ids.includes(id));
    const next = list.items.slice(at).find(stays) ?? list.items.slice(0, Math.max(at, 0)).findLast(stays);
    const id = next?.ids.find((candidate) => !ids.includes(candidate));
    go(id === undefined ? "#/" : `#/m/${id}`);
  }
  selection.clear();
  actions.delete(ids);
}

// ---- What stands around the message ---------------------------------------------------------------------------------

function drawMessageTools() {
  const message = store.get(open.id);
  const markUnread = () => mark([message.id], true);
  fill(
    node("message-tools"),
    message && [
      el("button.quiet", { onclick: markUnread }, "Mark unread"),
      el("button.quiet", { onclick: () => remove(targets()) }, icon("delete"), "Delete"),
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
  else fill(place, kind === "choose" && [icon("phone"), el("p", "Choose a message to see it as the phone would.")]);
}

const VIEWS = [
  { name: "view", value: "threads", words: "Threads" },
  { name: "view", value: "log", words: "Log" },
  { name: "view", value: "queue", words: "Queue", title: "Test messages that wait" },
];
const DEVICES = [
  { name: "device", value: "smart", words: "Smartphone" },
  { name: "device", value: "feature", words: "Old phone", title: "Seven lines and no pictures" },
  {
    name: "device_theme",
    value: "other",
    off: "same",
    words: icon("theme"),
    label: "Swap colours",
    title: "Swap the colours of the phone",
  },
  {
    name: "device_size",
    value: "large",
    off: "normal",
    words: isolated("A+", { dir: "ltr" }),
    label: "A+, larger text",
    title: "Larger text on the phone",
  },
];

/** Draws what depends on preferences and counts. */
function drawControls() {
  preferences.drawChoices(node("views"), VIEWS);
  preferences.drawChoices(node("device-choice"), DEVICES, "button.chip.quiet");
  set(node("phone"), { data: { theme: preference("device_theme"), size: preference("device_size") } });
  const queued = store.views.queued.length;
  const waiting = queued > 0 && [" ", el("span.badge", queued, hiddenText(" waiting"))];
  fill(node("views").querySelector("[data-value=queue]"), "Queue", waiting);
  const { query } = search;
  drawFooter(node("list-foot"), list, { unread: store.views.unread, queued, query }, actions);
  const words = list.view === "queue" ? "The queue is empty." : query ? "Nothing matches." : "";
  node("list").dataset.empty = list.items.length ? "" : words;
}

const PANELS = [
  ["account", "Account", showAccount],
  ["faults", "Chaos", showFaults],
  ["settings", "Settings", preferences.showSettings],
  ["help", "Help", showHelp],
];
for (const panel of PANELS) registerPanel(...panel);
header.makeHeader(node("stats"), node("tools"), PANELS);

preferences.onPreference((name) => {
  if (name === "blur") header.showBlur();
  if (name === "view") {
    selection.clear();
    list.view = preference("view");
  }
  if (name === "device") phone.draw(true);
  if (name.startsWith("device") || name === "dir") requestAnimationFrame(() => phone.draw());
  drawControls();
  if (["theme", "dir", "blur", "keys"].includes(name)) refreshDialog("settings");
});

// A link to the message that is open already changes no address, and still shows it where the columns are folded.
document.addEventListener("click", (event) => {
  if (event.target.closest?.('a[href^="#/m/"]')?.hash === location.hash && !event.defaultPrevented) route();
});

for (const button of document.querySelectorAll("[data-back]")) {
  button.addEventListener("click", () => {
    showPane(button.dataset.back);
    if (button.dataset.back === "list") list.focus();
    if (button.dataset.back === "inspector") node("tabs").querySelector("[aria-selected=true]").focus();
  });
}

// ---- Changes --------------------------------------------------------------------------------------------------------

store.onChange((changed) => {
  list.show();
  selection.keep((id) => store.get(id) !== undefined);
  if (open.id !== null && !store.get(open.id) && complete) go("#/");
  else if (open.id !== null && [...changed].some(isOnPhone)) {
    phone.draw();
    inspector.draw();
    markSeen();
  }
  drawControls();
  drawEmpty();
  if (complete) header.showFigures({ messages: store.size });
  notifications.showUnread(store.views.unread, label);
});
selection.onChange(() => drawSelectionBar(node("bulk"), selection, actions, mark));

/** Returns whether a message can be seen on the phone: it is open, gone, or to the number that is shown. */
function isOnPhone(id) {
  const number = open.number ?? store.get(open.id)?.to[0];
  return id === open.id || (store.get(id)?.to.includes(number) ?? true);
}

async function readMessages() {
  readings += 1;
  const pages = listMessages();
  const { sequence, messages, next } = (await pages.next()).value;
  invalidate();
  ready = true;
  complete = !next;
  store.replace(messages);
  search.refresh();
  // The first list may come late, after the address has asked for one of its messages.
  if (open.id === null && ROUTE.test(location.hash)) route();
  if (next) readOlder(pages, readings).catch(toastError);
  return sequence;
}

/** Older messages that are shown at a time, once the newest are. */
const AT_ONCE = 20_000;

async function readOlder(pages, reading) {
  let found = [];
  for await (const { messages, next } of pages) {
    if (reading !== readings) return;
    found = found.concat(messages);
    if (next && found.length < AT_ONCE) continue;
    complete = !next;
    store.add(found);
    found = [];
  }
}

let reading = 0;

function readSoon() {
  clearTimeout(reading);
  reading = setTimeout(() => readMessages().catch(toastError), 50);
}

/** Restored messages that are asked for one by one; beyond them everything is read again. */
const FEW = 50;

function updated(message) {
  invalidate(message.id);
  store.put(message);
  search.refresh();
}

const CHANGES = {
  new(message) {
    if (store.put(message)) {
      notifications.announceNew();
      if (preference("notify")) notifications.notifyWhileHidden();
    }
    const balance = message["balance-after"];
    if (balance !== null && message.account === "sandbox") header.showFigures({ balance });
    search.refresh();
  },
  update: updated,
  dlr: updated,
  delete({ ids }) {
    ids.forEach((id) => invalidate(id));
    store.remove(ids);
  },
  async restore({ ids }) {
    if (ids.length > FEW) readSoon();
    else {
      const found = await Promise.all(ids.map((id) => getDetails(id).catch(() => null)));
      for (const message of found) if (message) store.put(message);
    }
    search.refresh();
  },
  fault({ fault }) {
    refreshUnlessTyping("faults");
    announce(`Fault: ${fault}`);
  },
  account({ username, balance }) {
    if (username === "sandbox") header.showFigures({ balance });
    refreshUnlessTyping("account");
  },
  chaos(state) {
    header.showFaultState(state);
    refreshUnlessTyping("faults");
  },
  clock: () => refreshUnlessTyping("account"),
  reset() {
    invalidate();
    store.replace([]);
    readSoon();
  },
};

function showStats(stats) {
  header.showFigures(stats);
  header.showRate(stats);
  header.showFaultState(stats);
  label = stats.label;
  node("label").hidden = !label;
  node("label").textContent = label ?? "";
  node("remote").hidden = !stats.remote;
  notifications.showUnread(store.views.unread, label);
}

// ---- Keys -----------------------------------------------------------------------------------------------------------

const inList = (act) => (event) => (event.target.closest?.("#list") ? act() : false);
const step = (by) => () => list.step(by);

function showTab(name) {
  setPreference("tab", name);
  showPane("inspector");
  node("tabs").querySelector("[aria-selected=true]").focus();
}

async function copyCode() {
  const message = store.get(open.id);
  if (!message?.otp) {
    toast("There is no code in this message.");
    return;
  }
  await notifications.copy(message.otp);
  toast("The code is copied.");
}

function escape({ target }) {
  if (target.matches?.("#query") && search.query) search.query = "";
  else if (target.matches?.("input:not([type=checkbox]), select")) list.focus();
  else back();
}

listenToKeys(
  {
    j: step(1),
    k: step(-1),
    "/": () => {
      showPane("list");
      search.focus();
    },
    o: copyCode,
    x: () => list.select(false),
    "Shift+x": () => list.select(true),
    m: () => mark(targets(), !targets().some((id) => store.get(id)?.unread)),
    "#": () => remove(targets()),
    u: notifications.takeBack,
    d: () => open.id !== null && actions.deliver(open.id, undefined, open.number ?? undefined),
    e: () => showTab("encoding"),
    r: () => showTab({ request: "response", response: "raw" }[preference("tab")] ?? "request"),
    b: preferences.toggleBlur,
    c: () => toggleDialog("faults"),
    a: () => toggleDialog("account"),
    t: preferences.nextTheme,
    "?": () => toggleDialog("help"),
  },
  {
    ArrowDown: inList(step(1)),
    ArrowUp: inList(step(-1)),
    Home: inList(() => list.go(list.items[0])),
    End: inList(() => list.go(list.items.at(-1))),
    Escape: escape,
  },
);

// ---- Start ----------------------------------------------------------------------------------------------------------

list.view = preference("view");
drawControls();
inspector.show(null);
addEventListener("hashchange", route);
document.addEventListener("visibilitychange", markSeen);
const stream = new EventStream({
  read: readMessages,
  change: (kind, data) => CHANGES[kind](data),
  stats: showStats,
  state: header.showConnection,
});
await stream.start();

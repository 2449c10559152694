// The phone: the messages of one number as it would show them, or one of them as an old phone would; and what stands
// there when no message is open.

import { getAccount, getDetails, sendMessage } from "./api.js";
import { badge, el, fill, hiddenText, icon, isolated, set } from "./dom.js";
import { count, dayName, minuteTime, phoneNumber, stateName } from "./format.js";
import { drawSegmentMarks, forcedRanges, highlight, showText } from "./format.js";
import { copyBlock, copyButton, toastError } from "./notifications.js";
import { preference } from "./preferences.js";

/** Bubbles that are drawn at once; older ones come by a button. */
const PAGE = 60;

export class Phone {
  #node;
  #store;
  #id = null;
  #number = null;
  #shown = PAGE;
  #bubbles = new Map();
  #list = null;

  constructor(node, store) {
    this.#node = node;
    this.#store = store;
    new ResizeObserver(() => this.#mark()).observe(node);
    document.fonts?.addEventListener?.("loadingdone", () => this.#mark());
  }

  /** Shows a message among the others of its number. */
  show(id, number) {
    const message = this.#store.get(id);
    if (!message) {
      this.clear();
      return;
    }
    const wanted = number ?? message.to[0] ?? null;
    if (wanted !== this.#number || !this.#list) {
      this.#number = wanted;
      this.#shown = PAGE;
      this.#list = null;
    }
    const moved = id !== this.#id;
    this.#id = id;
    this.draw(moved);
  }

  clear() {
    this.#id = null;
    this.#number = null;
    this.#list = null;
    this.#bubbles.clear();
    fill(this.#node);
  }

  /** Draws again what is shown, because something changed; `moved` brings the open bubble into sight. */
  draw(moved = false) {
    const message = this.#store.get(this.#id);
    if (!message) return;
    if (preference("device") === "feature") {
      this.#list = null;
      this.#bubbles.clear();
      highlight("forced", "phone", []);
      drawOldPhone(this.#node, message);
    } else this.#drawSmartphone(message, moved);
  }

  #drawSmartphone(message, moved) {
    const found = this.#number === null ? [] : this.#store.to(this.#number);
    const all = found.length ? found : [message];
    const from = Math.max(0, Math.min(all.length - this.#shown, all.indexOf(message) - 5));
    const fresh = this.#list === null || !this.#list.isConnected;
    if (fresh) this.#frame();
    const scroller = this.#node.querySelector(".conversation");
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    fill(this.#node.querySelector(".contact"), this.#contact(message));
    this.#node.querySelector(".earlier").hidden = from === 0;
    replaceChanged(this.#list, this.#conversation(all.slice(from), all.length > 1));
    this.#mark();
    const open = this.#bubbles.get(this.#id);
    if (moved || fresh) open?.scrollIntoView({ block: fresh ? "end" : "nearest" });
    else if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  #frame() {
    this.#bubbles.clear();
    this.#list = el("ol.bubbles.stack", { role: "list" });
    const showEarlier = () => {
      const first = this.#list.querySelector(".bubble-row a.meta-link");
      this.#shown += PAGE;
      this.draw();
      first?.focus();
    };
    const statusBar = el(
      "div.status-bar",
      { "aria-hidden": "true" },
      el("span", minuteTime(Date.now())),
      el("span.island"),
      set(icon("signal"), { class: "icon signal" }),
    );
    const conversation = el(
      "div.conversation.scroller",
      { tabindex: 0, role: "region", "aria-label": "Conversation" },
      el("button.earlier.quiet", { onclick: showEarlier }, "Earlier messages"),
      this.#list,
    );
    const screen = el("div.screen", statusBar, el("header.contact"), conversation);
    fill(this.#node, el("div.device.smart", screen));
  }

  #contact(message) {
    const sender = message.sender || "no sender";
    const initial = (/[\p{L}\p{N}]/u.exec(sender)?.[0] ?? "?").toUpperCase();
    const number = this.#number ? phoneNumber(this.#number) : "no number";
    return [
      el("span.avatar", { "aria-hidden": "true" }, initial),
      el("strong.contact-name", isolated(sender)),
      el("span.contact-note.muted.tiny.figure", el("bdi.private", { dir: "ltr" }, number)),
    ];
  }

  /** Returns the bubbles from old to new, with the days and the senders between them. */
  #conversation(messages, several) {
    const nodes = [];
    const divider = (words, kind) => el(`li.divider.muted.tiny.${kind}`, isolated(words));
    let last = null;
    for (const message of messages) {
      const day = dayName(message.at);
      if (!last || dayName(last.at) !== day) nodes.push(divider(day, "day"));
      if (!last || last.sender !== message.sender) nodes.push(divider(message.sender || "no sender", "from"));
      nodes.push(this.#bubble(message, several));
      last = message;
    }
    const kept = new Set(messages.map(({ id }) => id));
    for (const id of this.#bubbles.keys()) if (!kept.has(id)) this.#bubbles.delete(id);
    return nodes;
  }

  #bubble(message, several) {
    let row = this.#bubbles.get(message.id);
    if (!row) {
      row = this.#makeBubble(message);
      this.#bubbles.set(message.id, row);
    }
    const open = message.id === this.#id;
    row.classList.toggle("open", open && several);
    row.classList.toggle("test", message.test && message.accepted);
    row.classList.toggle("refused", !message.accepted);
    const stamp = `${message.state} ${message.queued} ${open}`;
    if (row.dataset.stamp !== stamp) {
      row.dataset.stamp = stamp;
      fill(row.querySelector(".meta"), this.#meta(message, open));
    }
    return row;
  }

  #makeBubble(message) {
    const click = (event) => {
      if (!event.target.closest("a") && !getSelection().toString()) location.hash = this.#href(message);
    };
    const text = showText(el("p.bubble-text"), message);
    const marks = el("div.marks", { "aria-hidden": "true" });
    return el("li.bubble-row", el("div.bubble", { onclick: click }, text, marks), el("div.meta.muted.tiny"));
  }

  #href(message) {
    const number = message.to.length > 1 && this.#number ? `/${encodeURIComponent(this.#number)}` : "";
    return `#/m/${message.id}${number}`;
  }

  #meta(message, open) {
    const words = [minuteTime(message.at)];
    if (message.segments > 1) words.push(count(message.segments, "segment"));
    const link = { href: this.#href(message), "aria-current": open ? "true" : null };
    return [
      el("a.meta-link.figure", link, words.join(" · "), hiddenText(`, message ${message.id}`)),
      deliveryState(message),
      message.otp && copyButton(message.otp),
    ];
  }

  /** Marks where segments begin, and in the open message the characters that forced Unicode. */
  #mark() {
    let forced = false;
    for (const [id, row] of this.#bubbles) {
      const message = this.#store.get(id);
      if (!message || !row.isConnected) continue;
      const text = row.querySelector(".bubble-text");
      if (message.segments > 1) {
        const draw = ({ analysis }) => drawSegmentMarks(row.querySelector(".marks"), text, analysis.starts16);
        this.#withDetails(id, row, draw);
      }
      if (id === this.#id && message.encoding !== "gsm7") {
        forced = true;
        this.#withDetails(id, row, ({ analysis }) => {
          if (id === this.#id) highlight("forced", "phone", forcedRanges(text, message.text, analysis.forced));
        });
      }
    }
    if (!forced) highlight("forced", "phone", []);
  }

  #withDetails(id, row, draw) {
    getDetails(id).then(
      (details) => row.isConnected && draw(details),
      () => {},
    );
  }
}

/** Dividers are new, bubbles the same: only what differs is touched, so that focus and selection stay. */
function replaceChanged(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, position) => {
    const there = parent.children[position];
    if (there !== node) parent.insertBefore(node, there ?? null);
  });
}

const TICKS = { delivered: "ticks", sent: "tick", queued: "clock", "switched-off": "clock", stuck: "clock" };

/** Returns what became of a message, as ticks and in words. */
function deliveryState(message) {
  if (!message.accepted) {
    return badge(
      message.state === "cut" ? "Never arrived" : ["Refused", message.code].filter(Boolean).join(" · "),
      "error",
    );
  }
  if (message.queued) return badge("Test · in the queue", "test");
  return el(`span.ticks.${message.state}`, icon(TICKS[message.state] ?? "cross"), stateName(message.state));
}

/** What an old phone does not have. */
const PICTURES = /\p{Extended_Pictographic}(?:\u200d\p{Extended_Pictographic}|[\ufe0f\u20e3\u{1f3fb}-\u{1f3ff}])*/gu;

/** Draws one message as a phone of the time before: seven lines, no pictures. */
function drawOldPhone(node, message) {
  const shown = message.text.replace(PICTURES, "▯");
  const text = showText(el("p.lcd-text"), { ...message, text: shown }, { links: false });
  const region = { tabindex: 0, role: "region", "aria-label": "Display of seven lines" };
  const window = el("div.lcd-window", region, text);
  const page = el("span");
  const showPage = () => {
    const height = Math.max(1, window.clientHeight);
    const pages = Math.max(1, Math.ceil((text.scrollHeight - 2) / height));
    page.textContent = `${Math.min(pages, Math.round(window.scrollTop / height) + 1)}/${pages}`;
  };
  window.addEventListener("scroll", showPage, { passive: true });
  const turn = (by) => () => {
    window.scrollTop += by * window.clientHeight;
  };
  const key = (name, words, by) => el("button.hard-key", { onclick: turn(by) }, icon(name), hiddenText(words));
  const head = el("div.lcd-head", isolated(message.sender || "no sender"), page);
  const foot = el("div.lcd-foot", { "aria-hidden": "true" }, el("span", "Options"), el("span", "Back"));
  const digits = [..."123456789*0#"].map((digit) => el("span", digit));
  const device = el(
    "div.device.feature",
    el("div.earpiece", { "aria-hidden": "true" }),
    el("div.lcd", head, window, foot),
    el("div.cluster", key("up", "Page up", -1), key("down", "Page down", 1)),
    el("div.keypad", { "aria-hidden": "true" }, digits),
  );
  const lost = shown === message.text ? null : " An old phone has no pictures: ▯";
  fill(node, device, el("p.device-note.muted.tiny", deliveryState(message), lost));
  showPage();
}

const SAMPLES = [
  { to: "96598765432", text: "Your MyApp code is 481920. It is valid for 5 minutes." },
  { to: "96551234567", text: "رمز التحقق الخاص بك في تطبيق ماي آب هو 739204، صالح لمدة 5 دقائق." },
  {
    to: "96566001122",
    text: "It’s almost time – your table for four is ready at 20:30. Show this message at the door, and enjoy your evening with us.",
  },
];

async function sendSamples() {
  // One after the other: the order of the samples is the order of the list.
  for (const sample of SAMPLES) await sendMessage({ ...sample, sender: "MY-APP", test: true, tags: ["sample"] });
}

/** Shows the page before the first message: what to paste, and samples to look at. */
export async function showEmpty(node) {
  fill(
    node,
    el("h2", "No messages yet"),
    el(
      "p",
      "This is a gateway that reaches no phone. What your program sends arrives here, with what it would have cost and why.",
    ),
    el("p", el("button.primary", { onclick: () => sendSamples().catch(toastError) }, "Send a sample")),
  );
  try {
    const { env, dsn } = await getAccount();
    node.append(el("h3", "Or paste this into the environment of your program"), copyBlock(env, "Environment"));
    if (dsn) node.append(copyBlock(dsn, "DSN"));
  } catch (problem) {
    node.append(el("p.muted", problem.message));
  }
}

// The tabs "Phone" (the message alone, who got it, what it cost, its tags) and "Delivery" (what became of it, what is
// still to come, and what a person wants to become of it).

import { badge, el, facts, field, fill, hiddenText, isolated, notice } from "./dom.js";
import { privateNumber, section, select, set, tagForm } from "./dom.js";
import { count, encodingName, fullTime, gatewayTime, number, phoneNumber, quote } from "./format.js";
import { stateName, universalTime } from "./format.js";
import { copyButton } from "./notifications.js";

/** Numbers that are listed at once. */
const SHOWN = 12;

export function showMessage(panel, message, actions) {
  const clocks = [
    el("span.figure", universalTime(message.at)),
    " UTC, ",
    el("span.figure", gatewayTime(message.at)),
    " at the gateway (GMT+3)",
  ];
  const id = message["msg-id"];
  const [quoted] = quote(message);
  const parts = [
    quoted,
    message.queued && recover(message, actions),
    !message.accepted && refusal(message),
    message["fault-detail"] && fault(message["fault-detail"]),
    cost(message),
    section(
      "Message",
      facts([
        ["From", [isolated(message.sender || "no sender"), " ", senderBadge(message)]],
        ["To", numbers(message)],
        ["Code", message.otp ? copyButton(message.otp) : null],
        ["Came", el("time", { datetime: message.at }, fullTime(message.at))],
        ["Clocks", clocks],
        ["Mode", message.test ? "Test: queued, never delivered" : "Live"],
        ["Message id", id ? isolated(id, { class: "mono", dir: "ltr" }) : "none, it was not accepted"],
        ["Account", isolated(message.account)],
      ]),
    ),
    message.dropped.length > 0 && dropped(message),
    message.checks.length > 0 && checks(message),
    tags(message, actions),
  ];
  fill(panel, parts);
}

function recover(message, actions) {
  return notice(
    "test",
    "A test message: it is in the queue, no phone gets it, and its credits are spent until you delete it there.",
    el(
      "button",
      { data: { focus: "recover" }, onclick: () => actions.recover(message) },
      `Delete to recover ${count(message.points, "credit")}`,
    ),
  );
}

function refusal(message) {
  const words = message.response?.body?.description;
  return notice("error", [
    el("strong", message.code ? `Refused: ${message.code}` : stateName(message.state)),
    words ? `. ${words}` : ". No phone got this, and nothing was charged.",
  ]);
}

const FAULT_SOURCES = { magic: "a magic number", armed: "chaos", header: "a header of the request" };

function fault(detail) {
  const source = FAULT_SOURCES[detail.source] ?? detail.source;
  const words = `, after ${detail.after}, by ${source}. ${detail.meaning ?? ""}`;
  return notice("warning", [el("strong", `Fault: ${detail.do}`), words]);
}

/** Returns the gateway's count of points beside our own, with words where they differ. */
export function cost(message) {
  const { accepted, own = {} } = message;
  const points = count(message.points, "point").replace(/^\S+ /, "");
  const segments = count(own.segments ?? message.segments, "segment");
  const how = `${encodingName(own.encoding ?? message.encoding)} · ${segments} × ${count(message.to.length, "number")}`;
  const box = (words, value, note) =>
    el("div.cost", el("span.muted.tiny", words), el("span.cost-value.figure", value), el("span.muted.tiny", note));
  return el(
    own.agrees === false ? "div.costs.differ" : "div.costs",
    box("The gateway charged", number(own["gateway-points"] ?? message.points), accepted ? points : "nothing accepted"),
    box("Our own count", number(own.points), how),
    own.agrees === false && badge("The two differ", "error"),
    own.agrees && badge("They agree", "success"),
  );
}

function senderBadge(message) {
  return message.sender === "KWT-SMS"
    ? badge("Promotional", "warning", "Shared, slow, and blocked for people who opted out")
    : badge("Transactional");
}

function numbers(message) {
  if (!message.to.length) return "no number";
  const several = message.to.length > 1;
  const state = (to) => [" ", el("span.muted", stateName(message.states[to] ?? message.state))];
  const items = message.to.map((to) => el("li", privateNumber(phoneNumber(to)), several && state(to)));
  const list = el("ul");
  const showAll = () => fill(list, items);
  const more = el("li", el("button.quiet", { onclick: showAll }, `All ${message.to.length}`));
  return fill(list, items.slice(0, SHOWN), message.to.length > SHOWN && more);
}

function dropped(message) {
  const item = ({ number: to, code }) => el("li", privateNumber(to), " ", badge(code, "error"));
  return section(
    `Left out (${message.dropped.length})`,
    el("p.muted", "The gateway took the others and did not say so."),
    el("ul.stack", message.dropped.map(item)),
  );
}

const LEVELS = { error: ["Error", "error"], warning: ["Warning", "warning"], info: ["Note"] };

function checks(message) {
  const item = ({ level, words }) => el("li", badge(...(LEVELS[level] ?? [level])), " ", words);
  return section("SMS check", el("ul.checks.stack", message.checks.map(item)));
}

function tags(message, actions) {
  const item = (tag) => {
    const remove = () => actions.tag(message, { "remove-tags": [tag] });
    const attributes = { data: { focus: `tag ${tag}` }, onclick: remove };
    return el("li.tag", isolated(tag), el("button.chip.quiet", attributes, "×", hiddenText(` Remove the tag ${tag}`)));
  };
  const add = (tag) => actions.tag(message, { "add-tags": [tag] });
  return section(
    "Tags",
    el("ul.tags.cluster", message.tags.map(item)),
    tagForm("Add a tag", "Add a tag", add, el("button.quiet", { type: "submit" }, "Add")),
  );
}

/** The number whose state is forced; empty for all. It is kept while the panel is drawn again. */
let chosen = { id: null, number: "" };

export function showDelivery(panel, message, actions) {
  if (chosen.id !== message.id) chosen = { id: message.id, number: "" };
  const timeline = el(
    "ol.timeline",
    message.timeline.map((event) => step(event.at, event, message)),
    (message.planned ?? []).map((event) => step(event.due, event, message, true)),
  );
  const recoverButton = { data: { focus: "recover" }, onclick: () => actions.recover(message) };
  fill(
    panel,
    timeline,
    message.possible.length
      ? forceState(message, actions)
      : el("p.muted", "It was not accepted, so nothing can become of it."),
    message.queued &&
      notice(
        "test",
        "In test mode a message stays in the queue.",
        el("button", recoverButton, "Delete to recover credits"),
      ),
  );
}

function step(at, event, message, planned = false) {
  const several = event.number && message.to.length > 1;
  return el(
    `li.step.${event.state}${planned ? ".planned" : ""}`,
    el(
      "p",
      el("strong", stateName(event.state)),
      several && [" ", privateNumber(phoneNumber(event.number))],
      event.forced && [" ", badge("Forced")],
      planned && [" ", badge("To come")],
    ),
    el("p.muted.tiny.figure", el("time", { datetime: at }, fullTime(at)), ` · ${gatewayTime(at)} at the gateway`),
  );
}

function forceState(message, actions) {
  const deliver = (state) => () => actions.deliver(message.id, state, chosen.number || undefined);
  const choices = [["", "all numbers"], ...message.to.map((to) => [to, phoneNumber(to)])];
  const choose = (value) => {
    chosen.number = value;
  };
  const choice = set(select(choices, chosen.number, choose, "number"), { class: "private" });
  const state = (name) =>
    el(
      "button",
      { data: { focus: `state ${name}` }, onclick: deliver(name) },
      hiddenText("Make it: "),
      stateName(name),
    );
  return section(
    "Make it so",
    message.to.length > 1 && field("For", choice),
    el(
      "div.cluster",
      el(
        "button.primary",
        { disabled: message.next === null, data: { focus: "next" }, onclick: deliver() },
        message.next ? `Next: ${stateName(message.next)}` : "Nothing follows",
        " ",
        el("kbd", { "aria-hidden": "true" }, "d"),
      ),
      message.possible.map(state),
    ),
    el("p.muted", "Status and delivery reports of the gateway follow."),
  );
}

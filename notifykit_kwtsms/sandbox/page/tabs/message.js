// The tab "Phone": the message alone, who got it, what it cost, and its tags.

import { el, fill, isolated, spoken } from "../dom.js";
import {
  count,
  encodingName,
  fullTime,
  gatewayTime,
  number,
  phoneNumber,
  stateName,
  universalTime,
} from "../format.js";
import { copyButton } from "../copying.js";
import { badge } from "../rows.js";
import { showText } from "../text.js";
import { facts, section } from "./parts.js";

/** Numbers that are listed at once. */
const SHOWN = 12;

export function showMessage(panel, message, actions) {
  const text = el("p", { class: "quote-text" });
  showText(text, message);
  panel.append(
    el("div", { class: "quote" }, text),
    message.queued ? recover(message, actions) : "",
    message.accepted ? "" : refusal(message),
    message["fault-detail"] ? fault(message) : "",
    cost(message),
    section(
      "Message",
      facts(
        ["From", [isolated(message.sender || "no sender"), " ", senderBadge(message)]],
        ["To", numbers(message)],
        ["Code", message.otp ? copyButton(message.otp) : null],
        ["Came", el("time", { datetime: message.at }, fullTime(message.at))],
        [
          "Clocks",
          [
            el("span", { class: "figure" }, universalTime(message.at)),
            " UTC, ",
            el("span", { class: "figure" }, gatewayTime(message.at)),
            " at the gateway (GMT+3)",
          ],
        ],
        ["Mode", message.test ? "Test: queued, never delivered" : "Live"],
        [
          "Message id",
          message["msg-id"] ? isolated(message["msg-id"], { class: "mono", dir: "ltr" }) : "none, it was not accepted",
        ],
        ["Account", isolated(message.account)],
      ),
    ),
    message.dropped.length ? dropped(message) : "",
    message.checks.length ? checks(message) : "",
    tags(message, actions),
  );
}

function recover(message, actions) {
  return el(
    "div",
    { class: "notice test" },
    el(
      "p",
      {},
      "A test message: it is in the queue, no phone gets it, and its credits are spent until you delete it there.",
    ),
    el(
      "button",
      { type: "button", data: { focus: "recover" }, onclick: () => actions.recover(message) },
      `Delete to recover ${count(message.points, "credit")}`,
    ),
  );
}

function refusal(message) {
  const words = message.response?.body?.description;
  return el(
    "div",
    { class: "notice bad" },
    el(
      "p",
      {},
      el("strong", {}, message.code ? `Refused: ${message.code}` : stateName(message.state)),
      words ? `. ${words}` : ". No phone got this, and nothing was charged.",
    ),
  );
}

function fault(message) {
  const detail = message["fault-detail"];
  const source =
    { magic: "a magic number", armed: "chaos", header: "a header of the request" }[detail.source] ?? detail.source;
  return el(
    "div",
    { class: "notice odd" },
    el(
      "p",
      {},
      el("strong", {}, `Fault: ${detail.do}`),
      `, after ${detail.after}, by ${source}. `,
      detail.meaning ?? "",
    ),
  );
}

/** Our own count beside the gateway's, in words where they differ. */
export function cost(message) {
  const own = message.own ?? {};
  const differs = own.agrees === false;
  const box = (words, value, note) =>
    el(
      "div",
      { class: "tally" },
      el("span", { class: "tally-name" }, words),
      el("span", { class: "tally-value figure" }, value),
      el("span", { class: "tally-note" }, note),
    );
  return el(
    "div",
    { class: differs ? "tallies differ" : "tallies" },
    box(
      "The gateway charged",
      number(own["gateway-points"] ?? message.points),
      message.accepted ? count(message.points, "point").replace(/^\S+ /, "") : "nothing accepted",
    ),
    box(
      "Our own count",
      number(own.points),
      `${encodingName(own.encoding ?? message.encoding)} · ${count(own.segments ?? message.segments, "segment")} × ${count(message.to.length, "number")}`,
    ),
    differs ? badge("The two differ", "bad") : own.agrees ? badge("They agree", "good") : null,
  );
}

function senderBadge(message) {
  return message.sender === "KWT-SMS"
    ? badge("Promotional", "odd", "Shared, slow, and blocked for people who opted out")
    : badge("Transactional", "plain");
}

function numbers(message) {
  if (!message.to.length) return "no number";
  const shown = el("ul", { class: "numbers" });
  const add = (list) =>
    list.map((to) =>
      el(
        "li",
        {},
        isolated(phoneNumber(to), { dir: "ltr", class: "private figure" }),
        message.to.length > 1
          ? [" ", el("span", { class: "muted" }, stateName(message.states[to] ?? message.state))]
          : null,
      ),
    );
  fill(shown, add(message.to.slice(0, SHOWN)));
  if (message.to.length > SHOWN) {
    const more = el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "quiet", onclick: () => fill(shown, add(message.to)) },
        `All ${message.to.length}`,
      ),
    );
    shown.append(more);
  }
  return shown;
}

function dropped(message) {
  return section(
    `Left out (${message.dropped.length})`,
    el("p", { class: "muted" }, "The gateway took the others and did not say so."),
    el(
      "ul",
      { class: "plain-list" },
      message.dropped.map(({ number: to, code }) =>
        el("li", {}, isolated(to, { dir: "ltr", class: "private figure" }), " ", badge(code, "bad")),
      ),
    ),
  );
}

function checks(message) {
  const names = { error: "Error", warning: "Warning", info: "Note" };
  return section(
    "SMS check",
    el(
      "ul",
      { class: "checks" },
      message.checks.map(({ level, words }) =>
        el(
          "li",
          { class: level },
          badge(names[level] ?? level, { error: "bad", warning: "odd" }[level] ?? "plain"),
          " ",
          words,
        ),
      ),
    ),
  );
}

function tags(message, actions) {
  const input = el("input", {
    type: "text",
    id: "new-tag",
    placeholder: "Add a tag",
    "aria-label": "Add a tag",
    maxlength: 60,
    autocomplete: "off",
    data: { focus: "tag" },
  });
  const form = el("form", { class: "tag-form" }, input, el("button", { type: "submit", class: "quiet" }, "Add"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const tag = input.value.trim();
    input.value = "";
    if (tag) actions.tag(message, { "add-tags": [tag] });
  });
  return section(
    "Tags",
    el(
      "ul",
      { class: "tags" },
      message.tags.map((tag) =>
        el(
          "li",
          { class: "tag" },
          isolated(tag),
          el(
            "button",
            {
              type: "button",
              class: "tag-remove",
              data: { focus: `tag ${tag}` },
              onclick: () => actions.tag(message, { "remove-tags": [tag] }),
            },
            "×",
            spoken(` Remove the tag ${tag}`),
          ),
        ),
      ),
    ),
    form,
  );
}

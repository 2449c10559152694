// The tab "Delivery": what became of the message so far, what is still to come, and what you want to become of it.

import { el, isolated, spoken } from "../dom.js";
import { fullTime, gatewayTime, phoneNumber, stateName } from "../format.js";
import { badge } from "../rows.js";
import { section } from "./parts.js";

let chosen = { id: null, number: "" };

export function showDelivery(panel, message, actions) {
  if (chosen.id !== message.id) chosen = { id: message.id, number: "" };
  panel.append(
    el(
      "ol",
      { class: "timeline" },
      message.timeline.map((event) => step(event.at, event, message)),
      (message.planned ?? []).map((event) => step(event.due, event, message, true)),
    ),
    message.possible.length
      ? force(message, actions)
      : el("p", { class: "hint" }, "It was not accepted, so nothing can become of it."),
  );
  if (message.queued) {
    panel.append(
      el(
        "div",
        { class: "notice test" },
        el("p", {}, "In test mode a message stays in the queue."),
        el(
          "button",
          { type: "button", data: { focus: "recover" }, onclick: () => actions.recover(message) },
          "Delete to recover credits",
        ),
      ),
    );
  }
}

function step(at, { state, number, forced }, message, planned = false) {
  return el(
    "li",
    { class: `step ${state}${planned ? " planned" : ""}` },
    el(
      "p",
      {},
      el("strong", {}, stateName(state)),
      number && message.to.length > 1
        ? [" ", isolated(phoneNumber(number), { dir: "ltr", class: "private figure" })]
        : null,
      forced ? [" ", badge("Forced")] : null,
      planned ? [" ", badge("To come")] : null,
    ),
    el(
      "p",
      { class: "muted figure" },
      el("time", { datetime: at }, fullTime(at)),
      ` · ${gatewayTime(at)} at the gateway`,
    ),
  );
}

function force(message, actions) {
  const number = () => chosen.number || undefined;
  const choice =
    message.to.length > 1
      ? el(
          "label",
          { class: "field" },
          "For",
          el(
            "select",
            { class: "private", data: { focus: "number" }, onchange: (event) => (chosen.number = event.target.value) },
            el("option", { value: "" }, "all numbers"),
            message.to.map((to) => el("option", { value: to, selected: to === chosen.number }, phoneNumber(to))),
          ),
        )
      : null;
  return section(
    "Make it so",
    choice,
    el(
      "div",
      { class: "buttons" },
      el(
        "button",
        {
          type: "button",
          class: "primary",
          disabled: message.next === null,
          data: { focus: "next" },
          onclick: () => actions.deliver(message.id, undefined, number()),
        },
        message.next ? `Next: ${stateName(message.next)}` : "Nothing follows",
        " ",
        el("kbd", { "aria-hidden": "true" }, "d"),
      ),
      message.possible.map((state) =>
        el(
          "button",
          {
            type: "button",
            data: { focus: `state ${state}` },
            onclick: () => actions.deliver(message.id, state, number()),
          },
          spoken("Make it: "),
          stateName(state),
        ),
      ),
    ),
    el("p", { class: "muted" }, "Status and delivery reports of the gateway follow."),
  );
}

// The chaos panel: presets, single faults with a seed, and what is armed.

import * as api from "./api.js";
import { say } from "./announce.js";
import { field, select } from "./account.js";
import { el, isolated } from "./dom.js";
import { refresh } from "./drawer.js";
import { count } from "./format.js";
import { badge } from "./rows.js";
import { section } from "./tabs/parts.js";
import { toast } from "./undo.js";

const ENDPOINTS = ["send", "balance", "senderid", "coverage", "validate", "status", "dlr"];
const PRESETS = {
  Calm: "Nothing goes wrong.",
  "Slow evening": "Answers come late.",
  "Ramadan queue": "Half of the sends find the queue full.",
  "Flaky Wi-Fi": "Resets, lost answers, half answers.",
  "Out of credit": "Every send is refused with ERR010.",
  "Gateway down": "A proxy answers with 502.",
};

// What stands in the form, while the panel is filled again.
let draft = { do: "reset", after: "", endpoint: "send", to: "", times: "1", probability: "100", seed: "", delay: "" };
let seed = "";

export async function showChaos(body) {
  const found = await api.chaos();
  const act = (promise, words) =>
    promise.then(
      () => (say(words), refresh("chaos")),
      (problem) => toast(problem.message, { bad: true }),
    );
  body.append(
    section(
      "Presets",
      el(
        "div",
        { class: "presets" },
        found.presets.map((name) =>
          el(
            "button",
            {
              type: "button",
              class: "preset",
              "aria-pressed": String(isCurrent(found, name)),
              data: { focus: `preset ${name}` },
              onclick: () =>
                act(api.setChaos({ preset: name, ...(seed === "" ? {} : { seed: Number(seed) }) }), `${name} is on`),
            },
            el("strong", {}, name),
            el("span", { class: "muted" }, PRESETS[name] ?? ""),
          ),
        ),
      ),
      field(
        "Seed, so that the dice fall the same way each time",
        el("input", {
          type: "number",
          step: 1,
          value: seed,
          placeholder: "none",
          data: { focus: "preset seed" },
          oninput: (event) => (seed = event.target.value),
        }),
      ),
    ),
    section(
      `Armed (${found.armed.length})`,
      found.armed.length
        ? [
            el(
              "ul",
              { class: "armed" },
              found.armed.map((item) => armed(item, act)),
            ),
            el(
              "button",
              { type: "button", data: { focus: "calm" }, onclick: () => act(api.calm(), "Nothing is armed") },
              "Disarm all",
            ),
          ]
        : el("p", { class: "muted" }, "Nothing. Every request goes its way."),
    ),
    section("Arm a fault", form(found, act)),
    section(
      "Magic numbers",
      el("p", { class: "muted" }, "Numbers that nobody owns and that misbehave by themselves: "),
      el(
        "ul",
        { class: "plain-list magic" },
        [
          ["96545000013", "ERR013 for the whole request (0NNN)"],
          ["96545001025", "only this number is dropped (1NNN)"],
          ["96545002001", "delivery fails (2000 to 2009)"],
          ["96545003020", "the answer comes 2 seconds late (3SSS)"],
          ["96545004003", "a fault on the wire (4000 to 4013)"],
          ["96545005002", "two tries find the queue full (5NNN)"],
          ["96545006001", "one answer is lost after acceptance (6NNN)"],
        ].map(([to, words]) => el("li", {}, isolated(to, { dir: "ltr", class: "mono" }), " ", words)),
      ),
    ),
  );
}

const isCurrent = (found, name) => found.preset === name || (name === "Calm" && found.armed.length === 0);

function armed(item, act) {
  const match = Object.entries(item.match ?? {}).map(([name, value]) => `${name} ${value}`);
  const words = [
    ...match,
    item.after && `after ${item.after}`,
    item.probability < 1 && `${Math.round(item.probability * 100)} %`,
    item.times && `${item.times} times at most`,
    item.seed !== null && item.seed !== undefined && `seed ${item.seed}`,
    item.preset,
  ].filter(Boolean);
  return el(
    "li",
    {},
    el("span", {}, el("strong", { class: "mono" }, item.do), " ", el("span", { class: "muted" }, words.join(" · "))),
    badge(`fired ${count(item.fired, "time")}`),
    el(
      "button",
      {
        type: "button",
        class: "quiet",
        "aria-label": `Disarm ${item.do}`,
        data: { focus: `disarm ${item.id}` },
        onclick: () => act(api.disarm(item.id), `${item.do} is disarmed`),
      },
      "Disarm",
    ),
  );
}

function form(found, act) {
  const kinds = new Map(found.faults.map((fault) => [fault.name, fault]));
  const codes = found.codes ?? ["ERR010", "ERR013", "ERR028"];
  const meaning = el("p", { class: "muted" });
  const explain = () => {
    meaning.textContent = kinds.get(draft.do)?.meaning ?? "The gateway refuses with this code.";
  };
  explain();
  const set = (name) => (value) => {
    draft = { ...draft, [name]: value };
    if (name === "do") explain();
  };
  const text = (name, attributes) =>
    el("input", {
      ...attributes,
      value: draft[name],
      data: { focus: name },
      autocomplete: "off",
      oninput: (event) => set(name)(event.target.value),
    });
  const node = el(
    "form",
    { class: "arm" },
    field("What happens", select([...kinds.keys(), ...codes], draft.do, set("do"), "do")),
    meaning,
    field(
      "When",
      select(
        [
          ["", "as usual for it"],
          ["receive", "before the gateway sees it"],
          ["accept", "after it was accepted"],
        ],
        draft.after,
        set("after"),
        "after",
      ),
    ),
    field("Endpoint", select([["", "any"], ...ENDPOINTS], draft.endpoint, set("endpoint"), "endpoint")),
    field("Number, * for anything", text("to", { type: "text", placeholder: "any" })),
    field("How often at most", text("times", { type: "number", min: 1, placeholder: "until disarmed" })),
    field("Chance in percent", text("probability", { type: "number", min: 0, max: 100, step: "any" })),
    field("Seed", text("seed", { type: "number", step: 1, placeholder: "none" })),
    field(
      "Delay in seconds",
      text("delay", { type: "number", min: 0, max: 3600, step: "any", placeholder: "as usual for it" }),
    ),
    el("button", { type: "submit", class: "primary" }, "Arm"),
  );
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    act(api.arm(fault()), `${draft.do} is armed`);
  });
  return node;
}

function fault() {
  const match = Object.fromEntries(["endpoint", "to"].filter((name) => draft[name]).map((name) => [name, draft[name]]));
  const numeric = (name) => (draft[name] === "" ? {} : { [name]: Number(draft[name]) });
  return {
    do: draft.do,
    match,
    probability: draft.probability === "" ? 1 : Number(draft.probability) / 100,
    times: draft.times === "" ? null : Number(draft.times),
    ...(draft.after ? { after: draft.after } : {}),
    ...numeric("seed"),
    ...numeric("delay"),
  };
}

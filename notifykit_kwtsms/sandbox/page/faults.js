// The panel of the faults: presets, single faults with a seed, and the active ones.

import * as api from "./api.js";
import { showChange } from "./dialog.js";
import { badge, el, field, isolated, section, select } from "./dom.js";
import { count } from "./format.js";

const ENDPOINTS = ["send", "balance", "senderid", "coverage", "validate", "status", "dlr"];
const PRESETS = {
  Calm: "Nothing goes wrong.",
  "Slow evening": "Answers come late.",
  "Ramadan queue": "Half of the sends find the queue full.",
  "Flaky Wi-Fi": "Resets, lost answers, half answers.",
  "Out of credit": "Every send is refused with ERR010.",
  "Gateway down": "A proxy answers with 502.",
};
const MAGIC_NUMBERS = [
  ["96545000013", "ERR013 for the whole request (0NNN)"],
  ["96545001025", "only this number is dropped (1NNN)"],
  ["96545002001", "delivery fails (2000 to 2009)"],
  ["96545003020", "the answer comes 2 seconds late (3SSS)"],
  ["96545004003", "a fault on the wire (4000 to 4013)"],
  ["96545005002", "two tries find the queue full (5NNN)"],
  ["96545006001", "one answer is lost after acceptance (6NNN)"],
];

/** What stands in the forms, while the panel is drawn again. */
const draft = { do: "reset", after: "", endpoint: "send", to: "", times: "1", probability: "100", seed: "", delay: "" };
let presetSeed = "";

const change = (promise, words) => showChange("faults", promise, words);

export async function showFaults(body) {
  const found = await api.getFaults();
  const active = found.armed;
  const endAll = () => change(api.endAllFaults(), "No fault is active");
  const magic = ([to, words]) => el("li", isolated(to, { dir: "ltr", class: "mono" }), " ", words);
  body.append(
    section(
      "Presets",
      el(
        "div.presets",
        found.presets.map((name) => preset(name, found)),
      ),
      seedField(),
    ),
    section(
      `Active (${active.length})`,
      active.length
        ? [
            el("ul.active-faults", active.map(activeFault)),
            el("button", { data: { focus: "calm" }, onclick: endAll }, "End all"),
          ]
        : el("p.muted", "None. Every request gets the gateway's own answer."),
    ),
    section("Add a fault", faultForm(found)),
    section(
      "Magic numbers",
      el("p.muted", "Numbers that are not in use, each with its own fault: "),
      el("ul.stack", MAGIC_NUMBERS.map(magic)),
    ),
  );
}

function preset(name, found) {
  const pressed = found.preset === name || (name === "Calm" && found.armed.length === 0);
  const choose = () => {
    const seed = presetSeed === "" ? undefined : Number(presetSeed);
    change(api.setPreset({ preset: name, seed }), `${name} is on`);
  };
  const attributes = { "aria-pressed": String(pressed), data: { focus: `preset ${name}` }, onclick: choose };
  return el("button.preset", attributes, el("strong", name), el("span.muted", PRESETS[name] ?? ""));
}

function seedField() {
  const oninput = (event) => {
    presetSeed = event.target.value;
  };
  const attributes = {
    type: "number",
    step: 1,
    value: presetSeed,
    placeholder: "none",
    data: { focus: "preset seed" },
  };
  return field("Seed, so that chance is the same each time", el("input", { ...attributes, oninput }));
}

function activeFault(item) {
  const words = [
    ...Object.entries(item.match ?? {}).map(([name, value]) => `${name} ${value}`),
    item.after && `after ${item.after}`,
    item.probability < 1 && `${Math.round(item.probability * 100)} %`,
    item.times && `${item.times} times at most`,
    item.seed !== null && item.seed !== undefined && `seed ${item.seed}`,
    item.preset,
  ];
  const end = {
    "aria-label": `End ${item.do}`,
    data: { focus: `end ${item.id}` },
    onclick: () => change(api.endFault(item.id), `${item.do} has ended`),
  };
  return el(
    "li",
    el("span", el("strong.mono", item.do), " ", el("span.muted", words.filter(Boolean).join(" · "))),
    badge(`fired ${count(item.fired, "time")}`),
    el("button.quiet", end, "End"),
  );
}

function faultForm(found) {
  const meanings = new Map(found.faults.map((fault) => [fault.name, fault.meaning]));
  const codes = found.codes ?? ["ERR010", "ERR013", "ERR028"];
  const meaning = el("p.muted");
  const explain = () => {
    meaning.textContent = meanings.get(draft.do) ?? "The gateway refuses with this code.";
  };
  const write = (name) => (value) => {
    draft[name] = value;
    explain();
  };
  const choice = (words, name, choices) => field(words, select(choices, draft[name], write(name), name));
  const input = (words, name, attributes) => {
    const oninput = (event) => write(name)(event.target.value);
    const common = { value: draft[name], data: { focus: name }, autocomplete: "off", oninput };
    return field(words, el("input", { type: "number", ...attributes, ...common }));
  };
  const submit = (event) => {
    event.preventDefault();
    change(api.addFault(draftedFault()), `${draft.do} is active`);
  };
  const moments = { "": "as usual for it", receive: "before the gateway sees it", accept: "after it was accepted" };
  explain();
  return el(
    "form.fault-form",
    { onsubmit: submit },
    choice("What happens", "do", [...meanings.keys(), ...codes]),
    meaning,
    choice("When", "after", Object.entries(moments)),
    choice("Endpoint", "endpoint", [["", "any"], ...ENDPOINTS]),
    input("Number, * for anything", "to", { type: "text", placeholder: "any" }),
    input("How often at most", "times", { min: 1, placeholder: "until ended" }),
    input("Chance in percent", "probability", { min: 0, max: 100, step: "any" }),
    input("Seed", "seed", { step: 1, placeholder: "none" }),
    input("Delay in seconds", "delay", { min: 0, max: 3600, step: "any", placeholder: "as usual for it" }),
    el("button.primary", { type: "submit" }, "Add"),
  );
}

/** Returns what the form says as the API wants it; what is undefined is left out. */
function draftedFault() {
  const numeric = (name) => (draft[name] === "" ? undefined : Number(draft[name]));
  return {
    do: draft.do,
    match: { endpoint: draft.endpoint || undefined, to: draft.to || undefined },
    probability: (numeric("probability") ?? 100) / 100,
    times: numeric("times") ?? null,
    after: draft.after || undefined,
    seed: numeric("seed"),
    delay: numeric("delay"),
  };
}

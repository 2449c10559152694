// The account panel: balance, senders, coverage, queue, rate, the clock, and what to paste.

import * as api from "./api.js";
import { refreshDialog, showChange } from "./dialog.js";
import { badge, checkbox, el, facts, field, isolated, section, select } from "./dom.js";
import { count, number } from "./format.js";
import { copyBlock } from "./notifications.js";

/** Country codes that are listed at once. */
const SHOWN = 30;

let username;

const change = (promise, words) => showChange("account", promise, words);
const save = (changes) => change(api.updateAccount(username, changes), "Saved");

export async function showAccount(body) {
  const { account, accounts, env, dsn, queue, rate, ...rest } = await api.getAccount(username);
  username = account.username;
  const choose = (name) => {
    username = name;
    refreshDialog("account");
  };
  body.append(
    field("Account", select(accounts, username, choose, "account")),
    section(
      "Balance",
      el(
        "p",
        el("span.big.figure", number(account.balance)),
        el("span.muted", ` of ${number(account.purchased)} points`),
      ),
      numberForm("balance", "Points", account.balance, "any"),
    ),
    section(
      "Queue and rate",
      gauge("In the queue", queue, rest["queue-limit"]),
      rate && gauge("Requests in the last second", rate.now, rate.limit),
      rate && facts([["Most in one second", number(rate.peak)]]),
    ),
    ...rules(account),
    section(
      "Access",
      toggle(account, "api_enabled", "API switched on (else ERR001)"),
      toggle(account, "api_access", "API access granted (else ERR004)"),
      toggle(account, "blocked", "Account blocked (ERR005)"),
    ),
    section("To paste", copyBlock(env, "Environment"), dsn && copyBlock(dsn, "DSN")),
    await clock(),
  );
}

/** Returns the sections of what the gateway checks a message against. */
function rules(account) {
  const sender = (name) => {
    const promotional = account.promotional.includes(name);
    return el("li", isolated(name), " ", promotional ? badge("Promotional", "warning") : badge("Transactional"));
  };
  const prefixes = account.prefixes.slice(0, SHOWN).map((prefix) => [badge(`+${prefix}`), " "]);
  const further = account.prefixes.length - SHOWN;
  const promotion = "A promotional message to them is paid for and never delivered";
  return [
    section(
      "Senders",
      el("ul.stack", account.senders.map(sender)),
      listForm("senders", "All of them, with commas between", account.senders),
    ),
    section(
      "Coverage",
      el("p", prefixes.length ? prefixes : "no country", further > 0 && `and ${further} more`),
      listForm("prefixes", "Country codes, with commas between", account.prefixes),
    ),
    section("Numbers that opted out", listForm("dnd", promotion, account.dnd)),
    section("Queue limit", numberForm("queue_limit", "Places; beyond them ERR013", account.queue_limit)),
    section(
      "Addresses that may use it",
      listForm("ip_list", "Empty allows every address; others get ERR024", account.ip_list ?? [], null),
    ),
  ];
}

async function clock() {
  const { time, offset } = await api.getClock();
  const jump = (words, seconds) => {
    const advance = () => change(api.advanceClock(seconds), `The clock is ${seconds} seconds ahead`);
    return el("button", { data: { focus: `clock ${seconds}` }, onclick: advance }, isolated(words, { dir: "ltr" }));
  };
  const ahead = offset ? `, ${count(Math.round(offset), "second")} ahead` : ", as this machine";
  return section(
    "Clock of the gateway",
    el("p.figure", `${time.replace("T", " ").slice(0, 19)} UTC`, el("span.muted", ahead)),
    el("div.cluster", jump("+16 seconds", 16), jump("+6 minutes", 360), jump("+1 day", 86400)),
    el("p.muted", "The same number may be written to again after 15 seconds: a jump spares the wait."),
  );
}

function gauge(words, value, limit) {
  return el(
    "div.gauge",
    el("span", words),
    el("span.figure", limit ? `${number(value)} of ${number(limit)}` : number(value)),
    limit ? el("meter", { min: 0, max: limit, value, high: limit * 0.8, "aria-label": words }) : null,
    limit && value >= limit ? badge("Full", "error") : null,
  );
}

const toggle = (account, name, words) => checkbox(name, words, account[name], (value) => save({ [name]: value }));

function numberForm(name, words, value, step = null) {
  return form(name, words, { type: "number", min: 0, step, value }, Number);
}

/** Returns a form for words with commas between; `empty` is what is saved without any. */
function listForm(name, words, value, empty = []) {
  const read = (typed) => {
    const found = typed.split(/[,\s]+/).filter(Boolean);
    return found.length ? found : empty;
  };
  return form(name, words, { type: "text", value: value.join(", ") }, read);
}

function form(name, words, attributes, read) {
  const input = el("input", { ...attributes, data: { focus: name }, autocomplete: "off", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    save({ [name]: read(input.value) });
  };
  return el("form.inline-form", { onsubmit: submit }, field(words, input), el("button", { type: "submit" }, "Save"));
}

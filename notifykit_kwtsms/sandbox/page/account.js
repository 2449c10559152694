// The account panel: balance, senders, coverage, queue, rate, and what to paste.

import * as api from "./api.js";
import { say } from "./announce.js";
import { el, isolated } from "./dom.js";
import { refresh } from "./drawer.js";
import { count, number } from "./format.js";
import { copy } from "./copying.js";
import { badge } from "./rows.js";
import { facts, section } from "./tabs/parts.js";
import { toast } from "./undo.js";

let username;

export async function showAccount(body) {
  const { account, accounts, env, dsn, queue, rate, ...rest } = await api.account(username);
  username = account.username;
  const limit = rest["queue-limit"];
  const put = async (changes) => {
    try {
      await api.changeAccount(username, changes);
      say("Saved");
    } catch (problem) {
      toast(problem.message, { bad: true });
    }
    await refresh("account");
  };
  body.append(
    field(
      "Account",
      select(accounts, username, (value) => ((username = value), refresh("account")), "account"),
    ),
    section(
      "Balance",
      el(
        "p",
        { class: "big figure" },
        number(account.balance),
        el("span", { class: "muted" }, ` of ${number(account.purchased)} points`),
      ),
      form("balance", "Points", account.balance, "number", (value) => put({ balance: Number(value) })),
    ),
    section(
      "Queue and rate",
      gauge("In the queue", queue, limit),
      rate && gauge("Requests in the last second", rate.now, rate.limit),
      rate && facts(["Most in one second", number(rate.peak)]),
    ),
    section(
      "Senders",
      el(
        "ul",
        { class: "plain-list" },
        account.senders.map((sender) =>
          el(
            "li",
            {},
            isolated(sender),
            " ",
            badge(
              account.promotional.includes(sender) ? "Promotional" : "Transactional",
              account.promotional.includes(sender) ? "odd" : "plain",
            ),
          ),
        ),
      ),
      form("senders", "All of them, with commas between", account.senders.join(", "), "text", (value) =>
        put({ senders: names(value) }),
      ),
    ),
    section(
      "Coverage",
      el(
        "p",
        {},
        account.prefixes.length
          ? account.prefixes.slice(0, 30).map((prefix) => [badge(`+${prefix}`), " "])
          : "no country",
        account.prefixes.length > 30 ? `and ${account.prefixes.length - 30} more` : "",
      ),
      form("prefixes", "Country codes, with commas between", account.prefixes.join(", "), "text", (value) =>
        put({ prefixes: names(value) }),
      ),
    ),
    section(
      "Numbers that opted out",
      form(
        "dnd",
        "A promotional message to them is paid for and never delivered",
        account.dnd.join(", "),
        "text",
        (value) => put({ dnd: names(value) }),
      ),
    ),
    section(
      "Queue limit",
      form("queue_limit", "Places; beyond them ERR013", account.queue_limit, "number", (value) =>
        put({ queue_limit: Number(value) }),
      ),
    ),
    section(
      "Addresses that may use it",
      form("ip_list", "Empty lets everybody; others get ERR024", (account.ip_list ?? []).join(", "), "text", (value) =>
        put({ ip_list: names(value).length ? names(value) : null }),
      ),
    ),
    section(
      "Access",
      check("api_enabled", "API switched on (else ERR001)", account.api_enabled, (value) =>
        put({ api_enabled: value }),
      ),
      check("api_access", "API access granted (else ERR004)", account.api_access, (value) =>
        put({ api_access: value }),
      ),
      check("blocked", "Account blocked (ERR005)", account.blocked, (value) => put({ blocked: value })),
    ),
    section("To paste", paste(env, "Environment"), dsn ? paste(dsn, "DSN") : null),
    await time(),
  );
}

async function time() {
  const { time: now, offset } = await api.clock();
  const jump = async (seconds) => {
    try {
      await api.advance(seconds);
      say(`The clock is ${seconds} seconds ahead`);
    } catch (problem) {
      toast(problem.message, { bad: true });
    }
    await refresh("account");
  };
  const button = (words, seconds) =>
    el(
      "button",
      { type: "button", data: { focus: `clock ${seconds}` }, onclick: () => jump(seconds) },
      isolated(words, { dir: "ltr" }),
    );
  return section(
    "Clock of the gateway",
    el(
      "p",
      { class: "figure" },
      `${now.replace("T", " ").slice(0, 19)} UTC`,
      el("span", { class: "muted" }, offset ? `, ${count(Math.round(offset), "second")} ahead` : ", as this machine"),
    ),
    el("div", { class: "buttons" }, button("+16 seconds", 16), button("+6 minutes", 360), button("+1 day", 86400)),
    el("p", { class: "muted" }, "The same number may be written to again after 15 seconds: a jump spares the wait."),
  );
}

/** A block of text to copy. */
export function paste(text, name) {
  return el(
    "div",
    { class: "paste" },
    el("pre", { class: "code-block", dir: "ltr", tabindex: 0, "aria-label": name }, text.trimEnd()),
    el(
      "button",
      { type: "button", data: { focus: `copy ${name}` }, onclick: () => copy(text, name) },
      `Copy ${name === "DSN" ? name : name.toLowerCase()}`,
    ),
  );
}

const names = (value) => value.split(/[,\s]+/).filter(Boolean);

function gauge(words, value, limit) {
  const share = limit ? Math.min(1, value / limit) : 0;
  return el(
    "div",
    { class: "gauge" },
    el("span", {}, words),
    el("span", { class: "figure" }, limit ? `${number(value)} of ${number(limit)}` : number(value)),
    limit ? el("meter", { min: 0, max: limit, value, high: limit * 0.8, "aria-label": words }) : null,
    share >= 1 ? badge("Full", "bad") : null,
  );
}

export function field(words, control) {
  return el("label", { class: "field" }, el("span", {}, words), control);
}

export function select(choices, chosen, onchange, focus) {
  return el(
    "select",
    { data: { focus }, onchange: (event) => onchange(event.target.value) },
    choices.map((choice) => {
      const [value, words] = Array.isArray(choice) ? choice : [choice, choice];
      return el("option", { value, selected: value === chosen }, words);
    }),
  );
}

export function check(name, words, checked, onchange) {
  return el(
    "label",
    { class: "check" },
    el("input", {
      type: "checkbox",
      checked,
      data: { focus: name },
      onchange: (event) => onchange(event.target.checked),
    }),
    el("span", {}, words),
  );
}

function form(name, words, value, type, save) {
  const input = el("input", {
    type,
    value,
    min: type === "number" ? 0 : null,
    step: name === "balance" ? "any" : null,
    data: { focus: name },
    autocomplete: "off",
    spellcheck: "false",
  });
  const node = el("form", { class: "inline-form" }, field(words, input), el("button", { type: "submit" }, "Save"));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    save(input.value);
  });
  return node;
}

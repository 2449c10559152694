// The page before the first message: what to paste, and a sample to look at.

import * as api from "./api.js";
import { paste } from "./account.js";
import { el, fill } from "./dom.js";
import { toast } from "./undo.js";

const SAMPLES = [
  { to: "96598765432", text: "Your MyApp code is 481920. It is valid for 5 minutes." },
  { to: "96551234567", text: "رمز التحقق الخاص بك في تطبيق ماي آب هو 739204، صالح لمدة 5 دقائق." },
  {
    to: "96566001122",
    text: "It’s almost time – your table for four is ready at 20:30. Show this message at the door, and enjoy your evening with us.",
  },
];

/** Sends messages to look at, one after the other. */
async function sendSample() {
  try {
    for (const sample of SAMPLES) {
      // One after the other: the order of the samples is the order of the list.
      await api.send({ ...sample, sender: "MY-APP", test: true, tags: ["sample"] });
    }
  } catch (problem) {
    toast(problem.message, { bad: true });
  }
}

export async function showEmpty(node) {
  fill(
    node,
    el("h2", {}, "No messages yet"),
    el(
      "p",
      {},
      "This is a gateway that reaches no phone. What your program sends arrives here, with what it would have cost and why.",
    ),
    el(
      "p",
      {},
      el("button", { type: "button", class: "primary", id: "send-sample", onclick: sendSample }, "Send a sample"),
    ),
  );
  try {
    const { env, dsn } = await api.account();
    node.append(
      el("h3", {}, "Or paste this into the environment of your program"),
      paste(env, "Environment"),
      dsn ? paste(dsn, "DSN") : "",
    );
  } catch (problem) {
    node.append(el("p", { class: "muted" }, problem.message));
  }
}

// The state of a message below its bubble.

import { el, icon } from "./dom.js";
import { stateName } from "./format.js";
import { badge } from "./rows.js";

/** What became of a message, as ticks and in words. */
export function ticks(message) {
  if (!message.accepted)
    return badge(
      message.state === "cut" ? "Never arrived" : `Refused${message.code ? ` · ${message.code}` : ""}`,
      "bad",
    );
  if (message.queued) return badge("Test · in the queue", "test");
  const drawing =
    { delivered: "ticks", sent: "tick", queued: "clock", "switched-off": "clock", stuck: "clock" }[message.state] ??
    "cross";
  return el("span", { class: `ticks ${message.state}` }, icon(drawing), stateName(message.state));
}

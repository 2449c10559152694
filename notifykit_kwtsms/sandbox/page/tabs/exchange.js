// The tabs "Request", "Response" and "Raw": what went over the wire. The password was replaced before it got here.

import { el, isolated } from "../dom.js";
import { copy } from "../copying.js";
import { badge } from "../rows.js";
import { facts, json, section } from "./parts.js";

export function showRequest(panel, { request }) {
  panel.append(
    el("p", { class: "request-line mono", dir: "ltr" }, el("strong", {}, "POST"), " ", request.path),
    facts(["From", isolated(request.client, { class: "mono", dir: "ltr" })]),
    section("Fields", json(request.fields)),
    section("Headers", headers(request.headers)),
  );
}

export function showResponse(panel, message) {
  const { response, fault } = message;
  const detail = message["fault-detail"];
  if (fault) {
    panel.append(
      el(
        "div",
        { class: "notice odd" },
        el(
          "p",
          {},
          el("strong", {}, `Fault: ${fault}. `),
          detail?.meaning ?? "",
          response
            ? " This is what the gateway said; the wire changed or lost it."
            : " The gateway never saw the request.",
        ),
      ),
    );
  }
  if (!response) {
    panel.append(el("p", { class: "hint" }, "There is no answer of the gateway."));
    return;
  }
  const fine = response.status < 400 && message.accepted;
  panel.append(
    el(
      "p",
      { class: "request-line" },
      el("strong", { class: "figure" }, `HTTP ${response.status}`),
      " ",
      badge(fine ? "Accepted" : (message.code ?? "Refused"), fine ? "good" : "bad"),
    ),
    section("Body", json(response.body)),
  );
}

export function showRaw(panel, message) {
  const text = JSON.stringify(message, null, 2);
  panel.append(
    el(
      "p",
      { class: "raw-head" },
      el("button", { type: "button", onclick: () => copy(text, "The message") }, "Copy as JSON"),
      " ",
      el("a", { href: `sandbox/messages/${message.id}` }, "Open in the API"),
    ),
    json(message),
  );
}

function headers(values) {
  return el(
    "dl",
    { class: "headers mono", dir: "ltr" },
    Object.entries(values).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

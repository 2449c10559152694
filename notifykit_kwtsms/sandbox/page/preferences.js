// The settings panel, and the switches that stand elsewhere.

import { check, field, select } from "./account.js";
import { say } from "./announce.js";
import * as api from "./api.js";
import { el } from "./dom.js";
import { refresh } from "./drawer.js";
import { get, put } from "./settings.js";
import { section } from "./tabs/parts.js";
import { toast } from "./undo.js";

const THEMES = ["auto", "light", "dark"];
const THEME_NAMES = { auto: "as the system", light: "light", dark: "dark" };

export function nextTheme() {
  put("theme", THEMES[(THEMES.indexOf(get("theme")) + 1) % THEMES.length]);
  say(`Colours: ${THEME_NAMES[get("theme")]}`);
}

export function showSettings(body) {
  body.append(
    section(
      "Appearance",
      field(
        "Colours",
        select(
          THEMES.map((theme) => [theme, THEME_NAMES[theme]]),
          get("theme"),
          (value) => put("theme", value),
          "theme",
        ),
      ),
      field(
        "Direction of the page",
        select(
          [
            ["ltr", "left to right"],
            ["rtl", "right to left"],
          ],
          get("dir"),
          (value) => put("dir", value),
          "dir",
        ),
      ),
      check("blur", "Blur numbers and codes", get("blur"), (value) => put("blur", value)),
    ),
    section(
      "Keyboard",
      check("keys", "Single letters are shortcuts", get("keys"), (value) => put("keys", value)),
      el("p", { class: "muted" }, "Arrows, Enter and Esc work either way."),
    ),
    section(
      "Notifications",
      check("notify", "Tell me of new messages while this page is hidden", get("notify"), notify),
    ),
    section(
      "Start over",
      el(
        "p",
        { class: "muted" },
        "Messages, requests, accounts, faults, blocks and the clock go back to the start. There is no way back.",
      ),
      startOver(),
    ),
  );
}

async function notify(wanted) {
  if (wanted && "Notification" in window && (await Notification.requestPermission()) !== "granted") {
    toast("The browser does not allow notifications here.", { bad: true });
    wanted = false;
  }
  put("notify", wanted && "Notification" in window);
  await refresh("settings");
}

function startOver() {
  // Two steps instead of a dialog: what can't be taken back is not one slip away.
  let sure = false;
  const button = el("button", { type: "button", data: { focus: "reset" } }, "Reset the sandbox");
  button.addEventListener("click", async () => {
    if (!sure) {
      sure = true;
      button.textContent = "Press again to reset everything";
      button.classList.add("danger");
      say("Press again to reset everything");
      return;
    }
    try {
      await api.reset();
      toast("The sandbox is as it was at the start.");
    } catch (problem) {
      toast(problem.message, { bad: true });
    }
    await refresh("settings");
  });
  return button;
}

// What a person chose for this browser: kept in its local storage, shown as attributes of the root element, changed in
// the settings and by switches elsewhere.

import { reset } from "./api.js";
import { refreshDialog } from "./dialog.js";
import { checkbox, el, field, section, select, set } from "./dom.js";
import { announce, toast, toastError } from "./notifications.js";

const KEY = "notifykit-sandbox";

const DEFAULTS = {
  theme: "auto", // auto, light, dark
  dir: "ltr", // ltr, rtl
  blur: false,
  keys: true,
  notify: false,
  view: "threads", // threads, log, queue
  device: "smart", // smart, feature
  device_theme: "same", // same, other
  device_size: "normal", // normal, large
  tab: "phone",
};

const listeners = new Set();
let values = { ...DEFAULTS, ...stored() };

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return Object.fromEntries(Object.entries(found).filter(([name, value]) => typeof value === typeof DEFAULTS[name]));
  } catch {
    // Storage is closed, or holds what this page didn't write: the defaults do.
    return {};
  }
}

export const preference = (name) => values[name];

export function setPreference(name, value) {
  if (values[name] === value) return;
  values = { ...values, [name]: value };
  try {
    localStorage.setItem(KEY, JSON.stringify(values));
  } catch {
    // The choice then lasts as long as the page.
  }
  applyPreferences();
  for (const listener of listeners) listener(name);
}

/** Calls a listener with the name of each preference that changes. */
export function onPreference(listener) {
  listeners.add(listener);
}

/** Shows the choices on the root element, where the style sheets look for them. */
export function applyPreferences() {
  const root = document.documentElement;
  set(root, { dir: values.dir, data: { theme: values.theme, blur: values.blur ? "on" : "off" } });
}

/**
 * Draws a group of buttons, each of which sets a preference. With `off` a second press sets that value instead; `label`
 * is the name of a button without words.
 */
export function drawChoices(group, choices, selector = "button") {
  if (!group.firstChild) {
    for (const { words, label, title, name, value, off } of choices) {
      const click = () => setPreference(name, off && preference(name) === value ? off : value);
      group.append(el(selector, { title, "aria-label": label, data: { name, value }, onclick: click }, words));
    }
  }
  for (const button of group.children) {
    const { name, value } = button.dataset;
    set(button, { "aria-pressed": String(preference(name) === value) });
  }
}

const THEMES = { auto: "as the system", light: "light", dark: "dark" };

export function nextTheme() {
  const names = Object.keys(THEMES);
  setPreference("theme", names[(names.indexOf(values.theme) + 1) % names.length]);
  announce(`Colours: ${THEMES[values.theme]}`);
}

/** Switches privacy mode: the style sheet blurs numbers and codes, for a screen that others see. */
export function toggleBlur() {
  setPreference("blur", !values.blur);
  announce(values.blur ? "Numbers and codes are blurred" : "Numbers and codes can be read");
}

export function showSettings(body) {
  const choose = (name, choices) => select(choices, values[name], (value) => setPreference(name, value), name);
  const toggle = (name, words) => checkbox(name, words, values[name], (value) => setPreference(name, value));
  const directions = Object.entries({ ltr: "left to right", rtl: "right to left" });
  const notifyWords = "Notify me of new messages while this page is hidden";
  const all = "Messages, requests, accounts, faults, blocks and the clock go back to the start. There is no way back.";
  body.append(
    section(
      "Appearance",
      field("Colours", choose("theme", Object.entries(THEMES))),
      field("Direction of the page", choose("dir", directions)),
      toggle("blur", "Blur numbers and codes"),
    ),
    section(
      "Keyboard",
      toggle("keys", "Single letters are shortcuts"),
      el("p.muted", "Arrows, Enter and Esc work either way."),
    ),
    section("Notifications", checkbox("notify", notifyWords, values.notify, setNotify)),
    section("Start over", el("p.muted", all), resetButton()),
  );
}

async function setNotify(wanted) {
  const granted = "Notification" in window && (!wanted || (await Notification.requestPermission()) === "granted");
  if (wanted && !granted) toast("The browser does not allow notifications here.", { error: true });
  setPreference("notify", wanted && granted);
  await refreshDialog("settings");
}

/** Two presses instead of a question: what can't be undone is not one slip away. */
function resetButton() {
  let asked = false;
  const press = async () => {
    if (!asked) {
      asked = true;
      button.textContent = "Press again to reset everything";
      button.classList.add("danger");
      announce(button.textContent);
      return;
    }
    try {
      await reset();
      toast("The sandbox is as it was at the start.");
    } catch (problem) {
      toastError(problem);
    }
    await refreshDialog("settings");
  };
  const button = el("button", { data: { focus: "reset" }, onclick: press }, "Reset the sandbox");
  return button;
}

// What a person chose for this browser: kept in its local storage, shown as attributes of the root element.

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

export function get(name) {
  return values[name];
}

export function put(name, value) {
  if (values[name] === value) return;
  values = { ...values, [name]: value };
  try {
    localStorage.setItem(KEY, JSON.stringify(values));
  } catch {
    // The choice then lasts as long as the page.
  }
  apply();
  for (const listener of listeners) listener(name, value);
}

export function onSetting(listener) {
  listeners.add(listener);
}

/** Shows the choices on the root element, where the style sheets look for them. */
export function apply() {
  const root = document.documentElement;
  root.dataset.theme = values.theme;
  root.dataset.blur = values.blur ? "on" : "off";
  root.dir = values.dir;
}

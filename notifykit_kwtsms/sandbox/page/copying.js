// Taking a code or a text along.

import { say } from "./announce.js";
import { el, icon, spoken } from "./dom.js";

/** A button that copies a code. */
export function copyButton(code) {
  const button = el(
    "button",
    { type: "button", class: "chip" },
    icon("copy"),
    spoken("Copy the code "),
    el("bdi", { dir: "ltr", class: "private" }, code),
  );
  button.addEventListener("click", () => copy(code));
  return button;
}

/** Copies a text and says so. */
export async function copy(text, what = "The code") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission, the old way.
    const area = el("textarea", { readonly: true, class: "spoken" }, text);
    document.body.append(area);
    const focused = document.activeElement;
    area.select();
    document.execCommand("copy");
    area.remove();
    focused?.focus?.();
  }
  say(`${what} is copied`);
  return text;
}

// The panel at the side: account, chaos, settings or help, one at a time.

import { fill } from "./dom.js";

const dialog = document.getElementById("drawer");
const title = document.getElementById("drawer-title");
const body = document.getElementById("drawer-body");
const panels = new Map();
let shown = null;

/** Makes a panel known: `render(body)` fills it each time it opens, or when `refresh` is called. */
export function panel(name, words, render) {
  panels.set(name, { words, render });
}

/** Opens a panel, or closes it if it is open. */
export function toggle(name) {
  if (shown === name && dialog.open) {
    close();
    return;
  }
  const { words } = panels.get(name);
  shown = name;
  title.textContent = words;
  fill(body);
  refresh();
  if (!dialog.open) dialog.showModal();
}

export function close() {
  if (dialog.open) dialog.close();
}

/** The name of the open panel, or null. */
export function openPanel() {
  return shown;
}

/** Fills the open panel again. What had the focus gets it back. */
export async function refresh(name = shown) {
  if (name === null || name !== shown) return;
  const focused = body.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  const { scrollTop } = body;
  const draft = document.createElement("div");
  try {
    await panels.get(name).render(draft);
  } catch (problem) {
    draft.textContent = problem.message;
  }
  if (name !== shown) return;
  fill(body, ...draft.childNodes);
  body.scrollTop = scrollTop;
  if (focused) body.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

/** Whether somebody is typing in the panel, so that it had better not be filled again. */
export function busy() {
  return (
    body.contains(document.activeElement) &&
    document.activeElement.matches("input:not([type=checkbox]), textarea, select")
  );
}

document.getElementById("drawer-close").addEventListener("click", close);
dialog.addEventListener("close", () => {
  // The event comes late: by then another panel may be open.
  if (!dialog.open) shown = null;
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) close();
});

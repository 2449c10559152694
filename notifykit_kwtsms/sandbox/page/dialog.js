// The dialog at the side: account, faults, settings or help, one at a time.

import { fill } from "./dom.js";
import { announce, toastError } from "./notifications.js";

const dialog = document.getElementById("dialog");
const title = document.getElementById("dialog-title");
const body = document.getElementById("dialog-body");
const panels = new Map();
let shown = null;

/** Registers a panel: `render(body)` fills it each time it opens, and when `refreshDialog` is called. */
export function registerPanel(name, words, render) {
  panels.set(name, { words, render });
}

/** Opens a panel, or closes it if it is open. */
export function toggleDialog(name) {
  if (shown === name && dialog.open) {
    dialog.close();
    return;
  }
  shown = name;
  title.textContent = panels.get(name).words;
  fill(body);
  refreshDialog(name);
  if (!dialog.open) dialog.showModal();
}

/** Fills a panel again, if it is the open one. What had the focus gets it back. */
export async function refreshDialog(name) {
  if (name !== shown) return;
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

/** Waits for a change that a panel made, announces it, and fills the panel again. */
export async function showChange(name, promise, words) {
  try {
    await promise;
    announce(words);
  } catch (problem) {
    toastError(problem);
  }
  await refreshDialog(name);
}

/** Fills a panel again after an event, unless a person is typing in it. */
export function refreshUnlessTyping(name) {
  const { activeElement } = document;
  const typing = body.contains(activeElement) && activeElement.matches("input:not([type=checkbox]), select");
  if (!typing) refreshDialog(name);
}

document.getElementById("dialog-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  // The event comes late: by then another panel may be open.
  if (!dialog.open) shown = null;
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});

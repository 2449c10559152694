// The bar for what is selected, and the line below the list for everything.

import { el, fill } from "./dom.js";

/** Draws the bar; it keeps the field for a tag while somebody types. */
export function drawBulk(node, selection, actions, mark) {
  node.hidden = selection.size === 0;
  if (node.hidden) {
    node.replaceChildren();
    return;
  }
  if (!node.firstChild) {
    const act = (run) => () => {
      const { ids } = selection;
      selection.clear();
      document.getElementById("list").focus();
      run(ids);
    };
    const tag = el("input", {
      type: "text",
      "aria-label": "Tag for the selected",
      placeholder: "Tag",
      maxlength: 60,
      autocomplete: "off",
    });
    const form = el("form", { class: "tag-form" }, tag);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = tag.value.trim();
      if (words) act((ids) => actions.tagAll(ids, words))();
    });
    fill(
      node,
      el("span", { class: "bulk-count figure" }),
      el("button", { type: "button", class: "quiet", onclick: act((ids) => mark(ids, false)) }, "Read"),
      el("button", { type: "button", class: "quiet", onclick: act((ids) => mark(ids, true)) }, "Unread"),
      el("button", { type: "button", class: "quiet", onclick: act((ids) => actions.remove(ids)) }, "Delete"),
      form,
      el("button", { type: "button", class: "quiet", onclick: act(() => {}) }, "None"),
    );
  }
  node.querySelector(".bulk-count").textContent = `${selection.size} selected`;
}

/** Draws the line below the list, for the view that is shown. */
export function drawFoot(node, { view, shown, unread, queued, query }, actions) {
  const stamp = JSON.stringify([view, shown > 0, unread > 0, queued, query]);
  if (node.dataset.stamp === stamp) return;
  node.dataset.stamp = stamp;
  const button = (words, onclick) => el("button", { type: "button", class: "quiet", onclick }, words);
  fill(
    node,
    view === "queue"
      ? queued > 0 && button(`Delete all ${queued} to recover credits`, () => actions.recoverAll())
      : [
          unread > 0 && button("All read", () => actions.markAll()),
          shown > 0 && button(query ? "Delete what was found" : "Delete all", () => actions.removeFound(query)),
        ],
  );
}

// Dialogs: confirmation before an act, the keyboard's help, and short notes of what was done.

import { h } from "./dom.js";

/** Asks before an act. `act(values)` runs on yes; while it does the dialog stays, and tells why it failed.
 *  Resolves to what `act` gave, or null where the operator thought better of it. */
export function confirm({ title, body, fields = [], yes, danger = false, act }) {
  return new Promise((resolve) => {
    let result = null;
    const alert = h("p.alert", { role: "alert", hidden: true });
    const go = h(danger ? "button.danger" : "button.primary", { type: "submit" }, yes);
    const no = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const inputs = fields.map((field) =>
      h("label.field", {}, field.label, h("input", { name: field.name, required: field.required, maxlength: 500, autocomplete: "off" })),
    );
    const form = h(
      "form",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          go.disabled = true;
          alert.hidden = true;
          dialog.setAttribute("aria-busy", "true");
          try {
            result = await act(Object.fromEntries(new FormData(form)));
            dialog.close();
          } catch (error) {
            alert.textContent = error.message;
            alert.hidden = false;
            go.disabled = false;
          }
          dialog.removeAttribute("aria-busy");
        },
      },
      h("h2", { id: "dialog-title" }, title),
      body,
      inputs,
      alert,
      h("div.buttons", {}, no, go),
    );
    const dialog = show(form);
    dialog.addEventListener("close", () => resolve(result));
    (inputs[0]?.querySelector("input") ?? go).focus();
  });
}

function show(content) {
  const before = document.activeElement;
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, content);
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

const KEYS = [
  ["/", "search"],
  ["j k or ↓ ↑", "next, previous row"],
  ["Enter", "open it"],
  ["Esc", "back, or out of a field"],
  ["g o, g d, g s, g a", "overview, dead letters, sagas, audit"],
  ["r", "replay the letter, or the group"],
  ["e", "edit the letter"],
  ["x", "drop the letter, or the group"],
  ["p", "pause or resume the queue"],
  ["t", "light or dark"],
  ["?", "this help"],
];

export function help() {
  const rows = KEYS.map(([keys, meaning]) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, keys)), h("td", {}, meaning)));
  const dialog = show(
    h(
      "div",
      {},
      h("h2", { id: "dialog-title" }, "Keyboard"),
      h("table.keys", {}, h("tbody", {}, rows)),
      h("div.buttons", {}, h("button", { type: "button", onclick: () => dialog.close() }, "Close")),
    ),
  );
  dialog.querySelector("button").focus();
}

/** Says for a while what was done. */
export function note(...content) {
  const element = h("div.note", {}, ...content);
  document.getElementById("notes").append(element);
  setTimeout(() => element.remove(), 8000);
}

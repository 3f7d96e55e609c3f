// Logging in: an admin's e-mail address and password, for a pass that the browser keeps and no script can read.

import { post } from "./api.js";
import { h } from "./dom.js";

export function login(enter) {
  const alert = h("p.alert", { role: "alert", hidden: true });
  const button = h("button.primary", { type: "submit" }, "Log in");
  const form = h(
    "form.login",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        alert.hidden = true;
        try {
          enter(await post("session", Object.fromEntries(new FormData(form))));
        } catch (error) {
          alert.textContent = error.message;
          alert.hidden = false;
          button.disabled = false;
        }
      },
    },
    h("h1", {}, "Console"),
    h("p.soft", {}, "For those who run MOMO. Log in as an admin."),
    h("label.field", {}, "E-mail", h("input", { name: "email", type: "email", autocomplete: "username", required: true })),
    h("label.field", {}, "Password", h("input", { name: "password", type: "password", autocomplete: "current-password", required: true })),
    alert,
    button,
  );
  return { title: "Log in · MOMO", element: form };
}

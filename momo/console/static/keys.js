// The keyboard: rows are walked, opened and left; single letters press the page's buttons.

import { help } from "./dialog.js";

let leading = 0;
const PLACES = { o: "#/", d: "#/dead", s: "#/sagas", a: "#/audit" };

const rows = () => [...document.querySelectorAll("main tr[data-place]")].filter((row) => row.offsetParent);
const link = (row) => row.querySelector("a");

function walk(step) {
  const all = rows();
  if (!all.length) return;
  const here = all.findIndex((row) => row.contains(document.activeElement));
  const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + step));
  link(all[next]).focus();
  all[next].scrollIntoView({ block: "nearest" });
}

/** Presses the button of the page that says it answers to `key`. */
function press(key) {
  const button = document.querySelector(`main [data-key="${key}"]:not([hidden]):not(:disabled)`);
  button?.click();
  return Boolean(button);
}

/** Listens from now on; `back()` leaves the page, `search()` focuses the field, `theme()` changes it. */
export function listen({ back, search, theme }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const field = event.target.closest("input, textarea, select");
    if (field) {
      if (event.key === "Escape") field.blur();
      return;
    }
    if (act(event.key, { back, search, theme })) event.preventDefault();
  });
}

function act(key, { back, search, theme }) {
  if (Date.now() - leading < 1500 && PLACES[key]) {
    leading = 0;
    location.hash = PLACES[key];
    return true;
  }
  leading = 0;
  switch (key) {
    case "/": search(); return true;
    case "?": help(); return true;
    case "t": theme(); return true;
    case "j": case "ArrowDown": if (!rows().length) return false; walk(1); return true;
    case "k": case "ArrowUp": if (!rows().length) return false; walk(-1); return true;
    case "g": leading = Date.now(); return true;
    case "Escape": back(); return true;
    default: return key.length === 1 && press(key);
  }
}

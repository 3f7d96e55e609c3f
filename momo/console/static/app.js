// The console: who is logged in, which page is shown, and what every page shares.

import { get, remove, session } from "./api.js";
import { audit } from "./audit.js";
import { dead } from "./dead.js";
import { help } from "./dialog.js";
import { h, text } from "./dom.js";
import { number, plural } from "./format.js";
import { listen } from "./keys.js";
import { letter } from "./letter.js";
import { close, live, open, watch } from "./live.js";
import { login } from "./login.js";
import { overview } from "./overview.js";
import { queue } from "./queue.js";
import { sagas } from "./sagas.js";
import { search } from "./search.js";
import { story } from "./story.js";

const PAGES = { "": overview, queues: queue, dead, letter, sagas, stories: story, search, audit };
const NAV = { "": "overview", queues: "overview", dead: "dead", letter: "dead", sagas: "sagas", audit: "audit" };
const PARENTS = { queues: "#/", dead: "#/", letter: "#/dead", sagas: "#/", stories: "#/", search: "#/", audit: "#/" };
const RENEW_MS = 180_000;
const SHOWN_PROBLEMS = 4;

const main = document.getElementById("main");
const element = (id) => document.getElementById(id);
let page = null;
let inside = false;
let steps = 0;

/** Where `location` points to: the page's name, the parts behind it, the query. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...parts] = path.split("/").map(decodeURIComponent);
  return { name: PAGES[name] ? name : "", parts, query: new URLSearchParams(query ?? "") };
}

function render() {
  if (!inside) return;
  page?.leave?.();
  const { name, parts, query } = place();
  page = PAGES[name](parts, query);
  document.title = `${page.title} · MOMO`;
  main.replaceChildren(page.element);
  for (const link of document.querySelectorAll("[data-nav]")) {
    if (link.dataset.nav === NAV[name]) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  page.update?.(live);
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function update() {
  const state = element("live");
  state.dataset.state = live.state;
  text(state, live.state === "live" ? "Live" : live.state === "away" ? "Reconnecting…" : "Connecting…");
  if (!live.frame) return;
  banner(live.frame);
  const letters = live.frame.snapshot.queues.filter((one) => one.kind === "dead").reduce((sum, one) => sum + one.messages, 0);
  element("dead-count").hidden = !letters;
  text(element("dead-count"), number(letters));
  page?.update?.(live);
}

/** The problems, the worst first: spoken when they change, and only then. */
function banner({ problems }) {
  const area = element("banner");
  const said = JSON.stringify(problems.map(({ severity, subject, text: what }) => [severity, subject, what.replace(/\d[\d,]*/g, "#")]));
  const quiet = { "data-quiet": "" };
  if (area.dataset.said === said) {
    area.querySelectorAll("[data-problem]").forEach((item, index) => text(item, problems[index]?.text ?? ""));
    return;
  }
  area.dataset.said = said;
  area.hidden = false;
  if (!problems.length) {
    area.replaceChildren(h("p.well", quiet, "All is well: every queue is consumed, nothing waits for long, nothing is dead."));
    return;
  }
  const items = problems.map((problem) =>
    h("li", { data: { severity: problem.severity } }, h("a", { href: problem.place }, h("b", {}, problem.subject), " ", h("span", { "data-problem": "" }, problem.text))),
  );
  const more = items.length - SHOWN_PROBLEMS;
  const rest = more > 0 ? h("details", {}, h("summary", {}, `${plural(more, "more problem")}`), h("ul", {}, items.slice(SHOWN_PROBLEMS))) : null;
  area.replaceChildren(h("ul", {}, items.slice(0, SHOWN_PROBLEMS)), rest ?? "");
}

function enter(shown) {
  inside = true;
  for (const hidden of document.querySelectorAll(".bar [hidden]:not(.count)")) hidden.hidden = false;
  element("logout").title = `Log out ${shown.nickname}`;
  open(renew);
  render();
}

function outside() {
  inside = false;
  close();
  page?.leave?.();
  element("banner").hidden = true;
  for (const part of document.querySelectorAll(".bar nav, .bar form, #live, #help, #logout")) part.hidden = true;
  page = login(enter);
  document.title = page.title;
  main.replaceChildren(page.element);
  page.element.querySelector("input").focus();
}

async function renew() {
  try {
    const shown = await get("session");
    if (!inside) enter(shown);
    else if (live.state !== "live") open(renew);
  } catch (error) {
    if (error.status === 401 || error.status === 403) outside();
    else setTimeout(renew, 2000);
  }
}

function theme() {
  const root = document.documentElement;
  const dark = getComputedStyle(root).colorScheme === "dark" || (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("momo.theme", root.dataset.theme);
}

function back() {
  if (steps > 1) history.back();
  else location.hash = PARENTS[place().name] ?? "#/";
}

session.ended = outside;
addEventListener("hashchange", () => {
  steps += 1;
  render();
});
document.querySelector(".search").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = element("search").value.trim();
  if (words) location.hash = `#/search/${encodeURIComponent(words)}`;
});
element("theme").addEventListener("click", theme);
element("help").addEventListener("click", help);
element("logout").addEventListener("click", async () => {
  await remove("session");
  outside();
});
listen({ back, theme, search: () => element("search").select() });
watch(update);
setInterval(() => inside && renew(), RENEW_MS);
renew();

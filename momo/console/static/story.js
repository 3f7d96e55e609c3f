// A story: every hop of one request as a tree, and beside it when each waited and worked.

import { get } from "./api.js";
import { facts, h, later } from "./dom.js";
import { clock, number, plural, span } from "./format.js";
import { letterPlace } from "./mend.js";

const AGAIN_MS = 1500;
const GOING_ON = new Set(["pending", "failed", "waiting"]);
const time = (moment) => new Date(moment).getTime();

export function story([id = ""]) {
  const place = h("div");
  let timer = 0;
  let gone = false;
  let shown = "";
  const opened = new Set();
  async function refresh() {
    const found = await get(`stories/${encodeURIComponent(id)}`);
    if (gone) return;
    const now = JSON.stringify({ ...found, readAt: 0, hops: found.hops.map((hop) => [hop.state, hop.attempt, hop.endedAt]) });
    if (now !== shown) {
      shown = now;
      const focused = document.activeElement?.closest("tr")?.dataset.place;
      place.replaceChildren(...draw(found, opened));
      if (focused) place.querySelector(`tr[data-place="${CSS.escape(focused)}"] button`)?.focus();
    }
    if (GOING_ON.has(found.state)) timer = setTimeout(() => refresh().catch(() => {}), found.state === "waiting" ? 10 * AGAIN_MS : AGAIN_MS);
  }
  const element = h("section", {}, later(refresh(), () => place));
  return { title: `Story ${id}`, element, leave: () => { gone = true; clearTimeout(timer); } };
}

function draw(found, opened) {
  const { hops } = found;
  const began = time(found.beganAt);
  // a timer that is to fire in half an hour would make all else a dot
  const ends = hops.flatMap((hop) => [hop.publishedAt, hop.takenAt, hop.endedAt].filter(Boolean).map(time));
  const still = hops.some((hop) => hop.state === "pending" || hop.state === "retrying");
  const until = Math.max(began + 1, ...ends, still ? time(found.readAt) : 0);
  const scale = { began, length: until - began };
  const first = hops[0];
  return [
    h("header.head", {}, h("h1", {}, first ? first.key : "Story", " ", h(`span.badge.${found.state}`, {}, found.state))),
    found.away.length ? h("p.alert", {}, `${found.away.join(", ")} can’t be read just now: hops may be missing, or look pending.`) : "",
    facts([
      ["Took", found.endedAt ? span(time(found.endedAt) - began) : `${span(until - began)} so far`],
      ["Began", clock(found.beganAt)],
      ["Hops", plural(hops.length, "hop") + (found.cut ? ", and more that were not read" : "")],
      ["Services", [...new Set(hops.map((hop) => hop.service))].join(", ")],
      ["Sent by", first?.sender],
      ["Correlation id", h("code.id", {}, found.correlationId)],
    ]),
    h("p.legend.soft", { "aria-hidden": "true" }, h("i.waited"), " waited ", h("i.worked"), " worked"),
    h(
      "div.scroll",
      {},
      h(
        "table.story",
        {},
        h("caption", {}, "Hops"),
        h("thead", {}, h("tr", {}, ["Hop", "State"].map((name) => h("th", { scope: "col" }, name)), h("th.number.wide", { scope: "col" }, "Waited"), h("th.number.wide", { scope: "col" }, "Worked"), h("th.fall", { scope: "col" }, axis(scale)))),
        h("tbody", {}, hops.map((hop, index) => row(hop, index, scale, opened))),
      ),
    ),
  ];
}

function axis({ length }) {
  return h("div.axis", {}, [0, 0.5, 1].map((part) => h("span", {}, part ? span(length * part) : "0")));
}

function row(hop, index, scale, opened) {
  const key = `${index}`;
  const more = detail(hop);
  more.hidden = !opened.has(key);
  const name = h("button.hop", { type: "button", "aria-expanded": String(!more.hidden), onclick: toggle }, hop.key);
  const step = h("div.step", {}, name, h("small.soft", {}, `${hop.queue.replace(/\.queue$/, "") === hop.key ? hop.service : hop.queue} · ${hop.timer ? "timer" : hop.kind}`));
  step.style.setProperty("--depth", Math.min(hop.depth, 8));
  function toggle() {
    more.hidden = !more.hidden;
    name.setAttribute("aria-expanded", String(!more.hidden));
    if (more.hidden) opened.delete(key);
    else opened.add(key);
  }
  const attempts = hop.attempt > 1 ? h("small.soft", {}, ` attempt ${number(hop.attempt)}`) : "";
  const line = h(
    "tr",
    { data: { place: `hop-${index}`, state: hop.state } },
    h("th", { scope: "row" }, step),
    h("td.nowrap", {}, h(`span.badge.${hop.state}`, {}, hop.state), attempts),
    h("td.number.wide", {}, span(hop.waitingMs)),
    h("td.number.wide", {}, span(hop.workingMs)),
    h("td.fall", {}, fall(hop, scale)),
  );
  return [line, more];
}

/** Bars from when it was published over when it was taken to when it ended, each attempt by itself where they are known. */
function fall(hop, { began, length }) {
  const bars = h("div.bars");
  const bar = (kind, from, to) => {
    const piece = h(`i.${kind}`);
    piece.style.left = `${(100 * (from - began)) / length}%`;
    piece.style.width = `${Math.max(0, (100 * (to - from)) / length)}%`;
    bars.append(piece);
  };
  if (!hop.publishedAt || hop.state === "waiting" || hop.state === "cancelled") return bars;
  let from = time(hop.publishedAt);
  const tries = hop.attempts.length ? hop.attempts : hop.takenAt ? [hop] : [];
  for (const one of tries) {
    bar("waited", from, time(one.takenAt));
    from = one.endedAt ? time(one.endedAt) : time(one.takenAt);
    bar(one.state === "failed" ? "broke" : "worked", time(one.takenAt), from);
  }
  if (hop.state === "pending" || hop.state === "retrying") bar("waited", from, began + length);
  return bars;
}

function detail(hop) {
  const dead = hop.queue.replace(/\.queue$/, ".dlq");
  const tries = hop.attempts.map((one) => `${one.attempt}: ${one.state}, waited ${span(one.waitingMs)}, worked ${span(one.workingMs)}${one.error ? `, ${one.error}` : ""}`);
  return h(
    "tr.detail",
    {},
    h(
      "td",
      { colspan: 5 },
      facts([
        ["Why", hop.detail],
        ["Where", hop.where],
        ["Dead letter", hop.state === "failed" ? h("a", { href: letterPlace(dead, hop.messageId) }, "look at it, mend it") : ""],
        ["Due", hop.dueAt ? clock(hop.dueAt) : ""],
        ["Published", hop.publishedAt ? clock(hop.publishedAt) : ""],
        ["Attempts", tries.length ? h("ol.plain", {}, tries.map((line) => h("li", {}, line))) : ""],
        ["Operators", hop.acts.length ? h("ol.plain", {}, hop.acts.map((act) => h("li", {}, `${act.operator}: ${act.act} at ${clock(act.at)}${act.reason ? `, ${act.reason}` : ""}`))) : ""],
        ["Sent by", hop.sender],
        ["Timer", hop.timer],
        ["Message id", h("code.id", {}, hop.messageId)],
      ]),
    ),
  );
}

// The overview: all queues by service, those in trouble first.

import { h, keyed, text } from "./dom.js";
import { age, number, rate } from "./format.js";
import { live } from "./live.js";
import { sparkline } from "./spark.js";
import { topology } from "./topology.js";

const LATE = 10;
const HEADS = [["Queue", ""], ["Waiting", "number"], ["Oldest", "number"], ["In/s", "number wide"], ["Out/s", "number wide"], ["5 minutes", "wide"], ["Consumers", "number wide"], ["Dead", "number"]];

/** How bad it is: 3 stopped, 2 late or dying, 1 at work, 0 quiet. */
function trouble(queue, dead, paused) {
  if (!queue.consumers && !paused) return 3;
  if (queue.oldestAgeS > LATE && queue.messages) return 3;
  if (paused || dead) return 2;
  return queue.messages || queue.publishedRate || queue.handledRate ? 1 : 0;
}

export function overview() {
  const figures = new Map(["Waiting", "Oldest", "In", "Out", "Dead", "Delayed", "Outboxes"].map((name) => [name, h("dd", {}, "–")]));
  const services = h("div");
  const known = new Map();
  let queues = null;
  const element = h(
    "section",
    {},
    h("h1.hidden", {}, "Overview"),
    h("dl.figures", {}, [...figures].map(([name, value]) => h("div", {}, h("dt", {}, name), value))),
    services,
  );
  topology().then((found) => {
    queues = found;
    update(live);
  });

  function update({ frame }) {
    if (!frame || !queues) return;
    const { snapshot } = frame;
    const by = new Map(snapshot.queues.map((queue) => [queue.name, queue]));
    summary(figures, snapshot);
    const paused = new Map((frame.paused ?? []).map((one) => [one.queue, one]));
    const grouped = new Map();
    for (const described of queues.values()) {
      const queue = by.get(described.name);
      if (!queue) continue;
      const dead = by.get(described.deadLetterQueue)?.messages ?? 0;
      const row = { queue, dead, paused: paused.get(queue.name), rank: trouble(queue, dead, paused.has(queue.name)) };
      grouped.set(described.service, [...(grouped.get(described.service) ?? []), row]);
    }
    const worst = (rows) => Math.max(...rows.map((row) => row.rank));
    const order = [...grouped].sort(([, a], [, b]) => (worst(b) > 1 || worst(a) > 1 ? worst(b) - worst(a) : 0));
    keyed(services, known, order.map(([service]) => service), service);
    for (const [name, rows] of order) known.get(name).update(rows);
  }

  return { title: "Overview", element, update };
}

function summary(figures, { queues, outboxes }) {
  const work = queues.filter((queue) => queue.kind === "work");
  const sum = (list, field) => list.reduce((total, one) => total + one[field], 0);
  const kind = (name) => queues.filter((queue) => queue.kind === name);
  const values = {
    Waiting: number(sum(work, "messages")),
    Oldest: age(Math.max(0, ...work.map((queue) => (queue.messages ? queue.oldestAgeS : 0)))),
    In: `${rate(sum(work, "publishedRate"))}/s`,
    Out: `${rate(sum(work, "handledRate"))}/s`,
    Dead: number(sum(kind("dead"), "messages")),
    Delayed: number(sum(kind("delay"), "messages")),
    Outboxes: number(sum(outboxes, "entries")),
  };
  for (const [name, value] of Object.entries(values)) text(figures.get(name), value);
}

function service(name) {
  const body = h("tbody");
  const known = new Map();
  const heads = HEADS.map(([label, kind]) => h("th", { scope: "col", class: kind }, label));
  const element = h("div.scroll", {}, h("table.queues", {}, h("caption", {}, name), h("thead", {}, h("tr", {}, heads)), body));
  return {
    element,
    update(rows) {
      const sorted = rows.sort((a, b) => b.rank - a.rank || a.queue.name.localeCompare(b.queue.name));
      keyed(body, known, sorted.map((row) => row.queue.name), line);
      for (const row of sorted) known.get(row.queue.name).update(row);
    },
  };
}

function line(name) {
  const place = `#/queues/${name}`;
  const badge = h("span.badge", { hidden: true });
  const cells = Object.fromEntries(
    ["messages", "oldest", "in", "out", "consumers", "dead"].map((key) => [key, h("td.number")]),
  );
  for (const key of ["in", "out", "consumers"]) cells[key].classList.add("wide");
  const spark = sparkline(120, 22);
  const element = h(
    "tr",
    { data: { place }, onclick: () => getSelection().toString() || (location.hash = place) },
    h("th", { scope: "row" }, h("a", { href: place }, name.replace(/\.queue$/, "")), badge),
    cells.messages, cells.oldest, cells.in, cells.out, h("td.wide", {}, spark.element), cells.consumers, cells.dead,
  );
  return {
    element,
    update({ queue, dead, paused, rank }) {
      element.dataset.rank = rank;
      text(cells.messages, number(queue.messages));
      text(cells.oldest, queue.messages ? age(queue.oldestAgeS) : "");
      cells.oldest.classList.toggle("bad", queue.messages > 0 && queue.oldestAgeS > LATE);
      text(cells.in, rate(queue.publishedRate));
      text(cells.out, rate(queue.handledRate));
      text(cells.consumers, number(queue.consumers));
      cells.consumers.classList.toggle("bad", !queue.consumers && !paused);
      text(cells.dead, dead ? number(dead) : "");
      cells.dead.classList.toggle("warn", dead > 0);
      const state = paused ? "paused" : queue.consumers ? "" : "no consumer";
      badge.hidden = !state;
      text(badge, state);
      spark.draw(live.depths.get(name));
    },
  };
}

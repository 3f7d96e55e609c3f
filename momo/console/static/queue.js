// One queue: its figures, its switch, its dead letters, its contract.

import { post } from "./api.js";
import { groupTable } from "./dead.js";
import { confirm, note } from "./dialog.js";
import { facts, h, later, table, text } from "./dom.js";
import { age, ago, number, plural, rate } from "./format.js";
import { live } from "./live.js";
import { sparkline } from "./spark.js";
import { topology } from "./topology.js";

export function queue([name]) {
  const values = new Map(["Waiting", "Oldest", "In", "Out", "Consumers", "Dead"].map((label) => [label, h("dd", {}, "–")]));
  const spark = sparkline(600, 90);
  const most = h("figcaption.soft", {}, "Waiting, the last five minutes");
  const stopped = h("p.notice", { hidden: true });
  const button = h("button", { type: "button", "data-key": "p", onclick: () => order(name, isPaused()) }, "Pause…");
  const groups = groupTable((group) => group.origin === name, "Dead letters");
  let letters = "";
  const isPaused = () => live.frame?.paused?.find((one) => one.queue === name);
  const element = h(
    "section",
    {},
    h("header.head", {}, h("h1", {}, name), h("div.buttons", {}, button)),
    stopped,
    h("dl.figures", {}, [...values].map(([label, value]) => h("div", {}, h("dt", {}, label), value))),
    h("figure.panel", {}, spark.element, most),
    groups.element,
    later(topology().then((found) => found.get(name)), (found) => {
      letters = found?.deadLetterQueue ?? "";
      update(live);
      return found ? about(found) : h("p.alert", {}, "There is no such queue.");
    }),
  );

  function update({ frame }) {
    groups.update();
    if (!frame) return;
    const by = new Map(frame.snapshot.queues.map((one) => [one.name, one]));
    const here = by.get(name);
    if (!here) return;
    text(values.get("Waiting"), number(here.messages));
    text(values.get("Oldest"), here.messages ? age(here.oldestAgeS) : "–");
    text(values.get("In"), `${rate(here.publishedRate)}/s`);
    text(values.get("Out"), `${rate(here.handledRate)}/s`);
    text(values.get("Consumers"), number(here.consumers));
    text(values.get("Dead"), number(by.get(letters)?.messages ?? 0));
    spark.draw(live.depths.get(name));
    text(most, `Waiting, the last five minutes: at most ${number(Math.max(0, ...(live.depths.get(name) ?? [])))}`);
    const pause = isPaused();
    stopped.hidden = !pause;
    if (pause) {
      const where = pause.processes.length ? `in ${plural(pause.processes.length, "process", "processes")}` : "by order";
      stopped.replaceChildren(h("b", {}, `Paused ${where} by ${pause.by}`), `, ${pause.reason} · `, ago(pause.since));
    }
    text(button, pause ? "Resume" : "Pause…");
    button.classList.toggle("primary", Boolean(pause));
  }

  return { title: name, element, update, leave: groups.leave };
}

async function order(name, pause) {
  const heard = ({ heard: count }) => note(h("b", {}, name), pause ? " resumes: " : " pauses: ", `${plural(count, "worker process has", "worker processes have")} heard of it.`);
  if (pause) {
    try {
      heard(await post(`queues/${name}`, { act: "resume" }));
    } catch (error) {
      note(h("b", {}, "Not resumed. "), error.message);
    }
    return;
  }
  const result = await confirm({
    title: `Pause ${name}?`,
    body: h("p", {}, "Every worker stops taking from it until somebody resumes it. Messages wait; none is lost."),
    fields: [{ name: "reason", label: "Reason, for the audit", required: true }],
    yes: "Pause the queue",
    danger: true,
    act: ({ reason }) => post(`queues/${name}`, { act: "pause", reason }),
  });
  if (result) heard(result);
}

function about(found) {
  const { properties = {}, required = [] } = found.contract;
  const rows = Object.entries(properties).map(([field, schema]) =>
    h("tr", {}, h("th", { scope: "row" }, h("code", {}, field)), h("td", {}, h("code", {}, kind(schema))), h("td", {}, required.includes(field) ? "required" : "")),
  );
  return [
    facts([
      ["Service", found.service],
      ["Kind", found.kind === "effect" ? "effect: calls the world, at least once" : "decision: commits to the service’s database"],
      ["Exchange", found.exchange],
      ["Routing key", found.key],
      ["Attempts", number(found.attempts)],
      ["Dead-letter queue", found.deadLetterQueue],
    ]),
    h("div.scroll", {}, table(`Contract: ${found.contractName}`, ["Field", "Type", ""], h("tbody", {}, rows))),
  ];
}

/** A field's type in a few words. */
function kind(schema) {
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `list of ${schema.items ? kind(schema.items) : "anything"}`;
  return [schema.type, schema.format && `(${schema.format})`].filter(Boolean).join(" ") || "anything";
}

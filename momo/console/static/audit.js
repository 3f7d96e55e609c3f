// The audit: what operators did, newest first.

import { get } from "./api.js";
import { h, later, table } from "./dom.js";
import { clock } from "./format.js";
import { letterPlace } from "./mend.js";

export function audit() {
  const log = later(get("acts"), ({ items, away }) => [
    away.length ? h("p.alert", {}, `The log of ${away.join(", ")} can’t be read just now.`) : "",
    items.length ? h("div.scroll", {}, table(`The newest ${items.length}`, ["When", "Who", "Act", ["Letter", "wide"], "Reason", ["How it ended", "wide"]], h("tbody", {}, items.map(row)))) : h("p.soft", {}, "Nobody has done anything yet."),
  ]);
  return { title: "Audit", element: h("section", {}, h("h1", {}, "Audit"), h("p.soft", {}, "Written down as begun before each act and completed after it. One that only began was cut off: look whether it took effect."), log) };
}

function row(act) {
  const dead = act.queue.replace(/\.queue$/, ".dlq");
  return h(
    "tr",
    {},
    h("td.nowrap", {}, clock(act.begunAt)),
    h("td", {}, act.operator),
    h("td", {}, h("b", {}, act.act), " ", h("a", { href: `#/queues/${act.queue}` }, act.queue)),
    h("td.wide", {}, act.messageId && act.act === "edit" ? h("a", { href: letterPlace(dead, act.messageId) }, h("code.id", {}, act.messageId)) : h("code.id", {}, act.messageId)),
    h("td", {}, act.reason),
    h("td.wide", {}, h(`span.badge.${act.state}`, {}, act.state), " ", act.result),
  );
}

// Sagas by state, those that are stuck first; and what a database still has to send: outboxes and timers.

import { get } from "./api.js";
import { h, keyed, later, rowTo, table, text } from "./dom.js";
import { age, ago, clock, number } from "./format.js";

const MEANING = {
  held: "a seat that is to be paid",
  waiting: "a place on the waitlist",
  PENDING: "a payment that its member has to make",
  CONFIRMING: "a charge that Toss has not settled",
  REFUNDING: "money that Toss has not given back",
};

export function sagas([saga, state]) {
  return state ? rows(saga, state) : all();
}

function all() {
  const states = live(["State", ["", "wide"], ["Sagas", "number"], ["Oldest", "number"]], "Unfinished sagas", (one) => {
    const cells = [h("td.wide.soft", {}, MEANING[one.state] ?? ""), h("td.number"), h("td.number")];
    const element = rowTo(`#/sagas/${one.saga}/${one.state}`, `${one.saga} ${one.state}`, cells);
    return { element, update: (now) => fill(cells, now.count, now.oldestAgeS) };
  });
  const outboxes = live(["Service", ["Entries", "number"], ["Oldest", "number"]], "Outboxes", (one) => plain(one.service));
  const timers = live(["Service", ["Timers", "number"], ["Due", "number"], ["Latest by", "number"]], "Timers", (one) => {
    const cells = [h("td.number"), h("td.number"), h("td.number")];
    const element = h("tr", {}, h("th", { scope: "row" }, one.service), cells);
    return {
      element,
      update: (now) => {
        text(cells[0], number(now.timers));
        text(cells[1], number(now.overdue));
        text(cells[2], now.overdue ? age(now.overdueS) : "");
      },
    };
  });
  const element = h("section", {}, h("h1", {}, "Sagas"), states.element, h("div.pair", {}, outboxes.element, timers.element));
  const update = ({ frame }) => {
    if (!frame) return;
    const { snapshot } = frame;
    states.update([...snapshot.sagas].sort((a, b) => b.oldestAgeS - a.oldestAgeS), (one) => `${one.saga} ${one.state}`);
    outboxes.update(snapshot.outboxes.map((one) => ({ ...one, count: one.entries })), (one) => one.service);
    timers.update(snapshot.timers, (one) => one.service);
  };
  return { title: "Sagas", element, update };
}

function plain(name) {
  const cells = [h("td.number"), h("td.number")];
  return { element: h("tr", {}, h("th", { scope: "row" }, name), cells), update: (now) => fill(cells, now.count, now.oldestAgeS) };
}

function fill(cells, count, seconds) {
  text(cells.at(-2), number(count));
  text(cells.at(-1), count ? age(seconds) : "");
}

/** A table whose rows are made once and then kept up to date. */
function live(heads, caption, make) {
  const body = h("tbody");
  const known = new Map();
  const element = h("div.scroll", {}, table(caption, heads, body));
  return {
    element,
    update(items, keyOf) {
      const by = new Map(items.map((item) => [keyOf(item), item]));
      keyed(body, known, [...by.keys()], (key) => make(by.get(key)));
      for (const [key, item] of by) known.get(key).update(item);
    },
  };
}

function rows(saga, state) {
  const shown = later(get(`sagas/${encodeURIComponent(saga)}/${encodeURIComponent(state)}`), ({ items }) => {
    if (!items.length) return h("p.soft", {}, "None.");
    const lines = items.map((one) => {
      const place = `#/search/${encodeURIComponent(one.orderId || `member ${one.memberId}`)}`;
      return rowTo(place, h("code", {}, one.orderId || `member ${one.memberId}`), h("td.number", {}, one.meetingId), h("td.number", {}, one.memberId), h("td.nowrap", {}, ago(one.since)), h("td.nowrap.wide", {}, one.until ? clock(one.until) : ""));
    });
    const heads = ["Order", ["Meeting", "number"], ["Member", "number"], "Since", ["Ends by itself", "wide"]];
    return h("div.scroll", {}, table(items.length < 100 ? `${items.length}, the oldest first` : "The oldest 100", heads, h("tbody", {}, lines)));
  });
  const element = h("section", {}, h("header.head", {}, h("h1", {}, `${saga} ${state}`)), h("p.soft", {}, MEANING[state] ?? ""), shown);
  return { title: `${saga} ${state}`, element };
}

// Dead letters: groups by queue and by what they died of, and the letters of one group.

import { get, query } from "./api.js";
import { facts, h, keyed, later, rowTo, table, text } from "./dom.js";
import { ago, clock, number, plural } from "./format.js";
import { live } from "./live.js";
import { drop, filterForm, groupPlace, letterPlace, replay } from "./mend.js";

const EVERY_MS = 2500;

export function dead(_, asked) {
  const fingerprint = asked.get("fingerprint");
  return fingerprint ? one(asked.get("queue"), fingerprint) : all(asked.get("queue"));
}

function all(queue) {
  const groups = groupTable((group) => !queue || queue === group.queue || queue === group.origin, queue ?? "All queues");
  const names = () => [...new Set((groups.found()?.groups ?? []).map((group) => group.origin))];
  const slot = h("div");
  groups.first.then(() => slot.replaceChildren(filterForm(queue ? [queue] : names(), groups.refresh)));
  const element = h(
    "section",
    {},
    h("header.head", {}, h("h1", {}, "Dead letters"), queue ? h("a", { href: "#/dead" }, "Show all queues") : ""),
    groups.element,
    slot,
  );
  return { title: "Dead letters", element, update: groups.update, leave: groups.leave };
}

/** The groups that `chosen` takes, kept up to date: how many letters there are is in each frame, and what they are is
 *  asked when that changes. */
export function groupTable(chosen, caption) {
  const body = h("tbody");
  const known = new Map();
  const state = h("p.soft", { "aria-live": "polite" }, "Reading…");
  const whole = h("div.scroll", { hidden: true }, table(caption, [["Letters", "number"], "Died of", ["Queue", "wide"], ["First", "wide"], "Last"], body));
  const element = h("div", {}, whole, state);
  let found = null;
  let counted = "";
  let timer = 0;
  let gone = false;

  const refresh = async () => {
    clearTimeout(timer);
    try {
      found = await get("dead");
      if (!gone) show();
    } catch (error) {
      text(state, error.message);
      state.hidden = false;
    }
    if (!gone && (found?.reading || found?.failure)) timer = setTimeout(refresh, 500);
  };

  function show() {
    const groups = found.groups.filter(chosen);
    const keys = groups.map((group) => `${group.queue} ${group.fingerprint}`);
    const by = new Map(keys.map((key, index) => [key, groups[index]]));
    keyed(body, known, keys, (key) => groupRow(by.get(key)));
    for (const [key, group] of by) known.get(key).update(group);
    whole.hidden = !groups.length;
    const said = [
      found.failure,
      found.reading && `Reading ${found.reading.queue}: ${number(found.reading.read)} of ${number(found.reading.depth)} letters…`,
      ...found.busy.map((name) => `${name} is in the hands of another desk.`),
      ...found.cut.map((name) => `${name} holds more letters than were looked at.`),
      !groups.length && !found.reading && !found.failure && "No dead letters.",
    ].filter(Boolean);
    state.hidden = !said.length;
    text(state, said.join(" "));
  }

  function update() {
    const letters = (live.frame?.snapshot.queues ?? []).filter((queue) => queue.kind === "dead");
    const now = letters.map((queue) => queue.messages).join();
    if (!letters.length || now === counted) return;
    counted = now;
    clearTimeout(timer);
    timer = setTimeout(refresh, found ? Math.max(0, 2100 - (Date.now() - found.at * 1000)) : 0);
  }

  const first = refresh();
  const slow = setInterval(() => document.hidden || refresh(), EVERY_MS * 4);
  return { element, update, refresh, first, found: () => found, leave: () => { gone = true; clearTimeout(timer); clearInterval(slow); } };
}

function groupRow(group) {
  const place = groupPlace(group);
  const count = h("span");
  const first = h("td.wide.nowrap");
  const last = h("td.nowrap");
  const element = rowTo(place, count, h("td.error", {}, h("b", {}, group.reason), " ", group.error), h("td.wide", {}, h("code", {}, group.queue)), first, last);
  element.firstElementChild.className = "number";
  const link = element.querySelector("a");
  return {
    element,
    update(now) {
      text(count, number(now.count));
      link.setAttribute("aria-label", `${plural(now.count, "letter")} of ${now.origin}: ${now.error}`);
      first.replaceChildren(ago(now.oldest));
      last.replaceChildren(ago(now.newest));
    },
  };
}

/** One group: why its letters died, the oldest of them, and what can be done with all. */
function one(queue, fingerprint) {
  const filter = { queue, fingerprint };
  const head = h("div");
  const list = h("div");
  let group = null;
  let shown = "";
  let timer = 0;
  let gone = false;
  const act = (what) => async () => {
    if (await what(filter, group.count)) refresh();
  };
  const buttons = h(
    "div.buttons",
    { hidden: true },
    h("button.primary", { type: "button", "data-key": "r", onclick: act(replay) }, "Replay all…"),
    h("button.danger", { type: "button", "data-key": "x", onclick: act(drop) }, "Drop all…"),
  );

  async function refresh() {
    clearTimeout(timer);
    try {
      const [groups, { items }] = await Promise.all([get("dead"), get(`dead/letters?${query(filter)}`)]);
      if (gone) return;
      group = groups.groups.find((each) => each.queue === queue && each.fingerprint === fingerprint);
      const now = JSON.stringify([group, items]);
      if (now !== shown) {
        shown = now;
        show(items, groups.reading);
      }
      timer = setTimeout(refresh, groups.reading ? 500 : EVERY_MS);
    } catch (error) {
      head.replaceChildren(h("p.alert", { role: "alert" }, error.message));
      timer = setTimeout(refresh, EVERY_MS);
    }
  }

  function show(items, reading) {
    buttons.hidden = !group;
    if (!group) {
      head.replaceChildren(h("p.soft", {}, reading ? "Reading…" : "No letter has died of this any more."));
      list.replaceChildren();
      return;
    }
    head.replaceChildren(
      h("p.why", {}, h("b", {}, group.reason), " ", group.error),
      facts([["Letters", number(group.count)], ["Queue", h("a", { href: `#/queues/${group.origin}` }, group.origin)], ["First", ago(group.oldest)], ["Last", ago(group.newest)], ["Fingerprint", h("code", {}, fingerprint)]]),
    );
    const focused = document.activeElement?.closest("tr")?.dataset.place;
    const rows = items.map((item) =>
      rowTo(letterPlace(queue, item.id), h("code.id", {}, item.id), h("td.nowrap", {}, clock(item.diedAt)), h("td.number.wide", {}, number(item.attempts)), h("td.wide.error", {}, item.error), h("td", {}, item.editedBy ? h("span.badge", { title: `edited by ${item.editedBy}` }, "edited") : "")),
    );
    const caption = items.length < group.count ? `The oldest ${items.length} of ${plural(group.count, "letter")}` : plural(items.length, "letter");
    list.replaceChildren(h("div.scroll", {}, table(caption, ["Letter", "Died", ["Attempts", "number wide"], ["Error", "wide"], ""], h("tbody", {}, rows))));
    if (focused) list.querySelector(`tr[data-place="${CSS.escape(focused)}"] a`)?.focus();
  }

  const element = h("section", {}, h("header.head", {}, h("h1", {}, queue), buttons), later(refresh(), () => [head, list]));
  return { title: `Dead letters of ${queue}`, element, leave: () => { gone = true; clearTimeout(timer); } };
}

// One dead letter: why it died, what it says, and the buttons that mend it.

import { get, post, query } from "./api.js";
import { note } from "./dialog.js";
import { facts, h, later } from "./dom.js";
import { ago, clock, number } from "./format.js";
import { json } from "./json.js";
import { drop, groupPlace, letterPlace, replay } from "./mend.js";

export function letter(_, asked) {
  const queue = asked.get("queue") ?? "";
  const id = asked.get("id") ?? "";
  const element = h("section", {}, later(get(`dead/letter?${query({ queue, id })}`), (found) => sheet(found, element)));
  return { title: `Dead letter ${id}`, element };
}

function sheet(found, page) {
  const filter = { queue: found.queue, id: found.id };
  const story = `#/stories/${encodeURIComponent(found.correlationId)}`;
  const body = h("div");
  const leave = () => (location.hash = groupPlace(found));
  const buttons = [
    h("button.primary", { type: "button", "data-key": "r", onclick: async () => (await replay(filter, 1, story)) && leave() }, "Replay…"),
    h("button", { type: "button", "data-key": "e", onclick: () => edit(found, body, page) }, "Edit"),
    h("button.danger", { type: "button", "data-key": "x", onclick: async () => (await drop(filter, 1)) && leave() }, "Drop…"),
  ];
  body.replaceChildren(h("pre.body", { tabindex: 0, "aria-label": "Body" }, json(found.body)));
  const headers = Object.entries(found.headers);
  return [
    h("header.head", {}, h("h1", {}, found.type || "A letter of no type"), h("div.buttons", {}, buttons)),
    h("p.why", {}, h("b", {}, found.reason), " ", found.error || "no error was given"),
    h(
      "div.columns",
      {},
      h("div", {}, h("h2", {}, "Body"), body, headers.length ? [h("h2", {}, "Other headers"), h("pre.body", {}, headers.map(([name, value]) => `${name}: ${value}`).join("\n"))] : ""),
      facts([
        ["Held back by", found.reason === "held-back" ? holder(found) : ""],
        ["Died", found.diedAt ? h("span", {}, clock(found.diedAt), ", ", ago(found.diedAt)) : "nobody knows when"],
        ["Queue", h("a", { href: `#/queues/${found.origin}` }, found.origin)],
        ["Attempts", number(found.attempts)],
        ["Story", h("a", { href: story }, "what led here, and what waits for it")],
        ["Sent by", found.sender],
        ["First published", found.firstPublishedMs ? clock(new Date(found.firstPublishedMs).toISOString()) : ""],
        ["Edited", found.editedBy ? h("span", {}, found.editedBy, ", ", ago(found.editedAt)) : ""],
        ["Message id", h("code.id", {}, found.id)],
        ["Correlation id", h("code.id", {}, found.correlationId)],
        ["Causation id", found.causationId ? h("code.id", {}, found.causationId) : ""],
        ["Fingerprint", h("a", { href: groupPlace(found) }, h("code", {}, found.fingerprint))],
      ]),
    ),
  ];
}

const pretty = (body) => (typeof body === "string" ? body : JSON.stringify(body, null, 2));

/** The letter that keeps this one from being decided, if it has not been mended since. */
function holder(found) {
  const id = found.error.split(" ").at(-1);
  return h("a", { href: letterPlace(found.queue, id) }, h("code.id", {}, id));
}

/** The body as a field. It is checked against the queue's contract by the server; what is wrong is said above it. */
function edit(found, place, page) {
  const alert = h("p.alert", { role: "alert", hidden: true });
  const field = h("textarea", { rows: Math.min(30, pretty(found.body).split("\n").length + 2), spellcheck: "false", "aria-label": "Body", value: pretty(found.body) });
  const act = (then) => async () => {
    alert.hidden = true;
    place.setAttribute("aria-busy", "true");
    const filter = { queue: found.queue, id: found.id };
    try {
      if (typeof found.body !== "string") JSON.parse(field.value);
      await post("dead/edit", { ...filter, body: field.value });
      if (then) await post("dead/replay", filter);
    } catch (error) {
      alert.textContent = error instanceof SyntaxError ? `This is not JSON: ${error.message}` : error.message;
      alert.hidden = false;
      field.focus();
      return;
    } finally {
      place.removeAttribute("aria-busy");
    }
    if (then) {
      note(h("b", {}, "Edited and replayed"), ` to ${found.origin}. `, h("a", { href: `#/stories/${encodeURIComponent(found.correlationId)}` }, "Follow its story"));
      location.hash = groupPlace(found);
    } else {
      note(h("b", {}, "Edited."), " It stays dead until it is replayed.");
      page.replaceChildren(later(get(`dead/letter?${query({ queue: found.queue, id: found.id })}`), (now) => sheet(now, page)));
    }
  };
  place.replaceChildren(
    h("p.soft", {}, "Checked against the queue’s contract before it is kept. What reads [redacted] stays as it was."),
    alert,
    field,
    h(
      "div.buttons",
      {},
      h("button", { type: "button", onclick: () => place.replaceChildren(h("pre.body", { tabindex: 0 }, json(found.body))) }, "Cancel"),
      h("button", { type: "button", onclick: act(false) }, "Save"),
      h("button.primary", { type: "button", onclick: act(true) }, "Save and replay"),
    ),
  );
  field.focus();
}

// What mends letters: replay and drop, of one, a group, or all that a filter finds; always asked before.

import { post, query } from "./api.js";
import { confirm, note } from "./dialog.js";
import { h } from "./dom.js";
import { plural } from "./format.js";

const letters = (count) => plural(count, "letter");

/** Replays what `filter` chooses, `count` letters as far as is known. Resolves to what was done, or null. */
export async function replay(filter, count, story) {
  const done = await confirm({
    title: `Replay ${letters(count)}?`,
    body: h("p", {}, "Sent back to the queue that each died in, as if for the first time. What has taken effect before changes nothing."),
    yes: `Replay ${letters(count)}`,
    act: () => post("dead/replay", filter),
  });
  if (done) note(h("b", {}, `Replayed ${letters(done.letters)}`), ` to ${Object.keys(done.queues).join(", ") || "no queue"}. `, done.held ? `${letters(done.held)} stay held back. ` : "", story ? h("a", { href: story }, "Follow its story") : "");
  return done;
}

/** Drops what `filter` chooses, for good, with a reason. Resolves to what was done, or null. */
export async function drop(filter, count) {
  const done = await confirm({
    title: `Drop ${letters(count)} for good?`,
    body: h("p", {}, "A dropped letter can’t be brought back. The audit keeps its id, your name and your reason."),
    fields: [{ name: "reason", label: "Reason, for the audit", required: true }],
    yes: `Drop ${letters(count)}`,
    danger: true,
    act: ({ reason }) => post("dead/drop", { ...filter, reason }),
  });
  if (done) note(h("b", {}, `Dropped ${letters(done.letters)}.`));
  return done;
}

/** A form that chooses letters by queue, type and age, says how many they are, and then replays or drops them. */
export function filterForm(queues, changed) {
  const alert = h("p.alert", { role: "alert", hidden: true });
  const result = h("div.buttons", { "aria-live": "polite" });
  const form = h(
    "form.filter",
    {
      oninput: () => result.replaceChildren(),
      onsubmit: async (event) => {
        event.preventDefault();
        alert.hidden = true;
        result.replaceChildren(h("span.soft", {}, "Counting…"));
        const filter = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
        try {
          const { letters: count } = await post("dead/replay", { ...filter, dryRun: true });
          result.replaceChildren(...(count ? acts(filter, count) : [h("span.soft", {}, "No letter is such.")]));
        } catch (error) {
          result.replaceChildren();
          alert.textContent = error.message;
          alert.hidden = false;
        }
      },
    },
    h("label.field", {}, "Queue", h("select", { name: "queue" }, h("option", { value: "" }, "any"), queues.map((name) => h("option", { value: name }, name)))),
    h("label.field", {}, "Type", h("input", { name: "type", placeholder: "payment.completed", autocomplete: "off" })),
    h("label.field", {}, "Older than", h("input", { name: "olderThan", placeholder: "2h", autocomplete: "off", size: 6 })),
    h("label.field", {}, "Newer than", h("input", { name: "newerThan", placeholder: "15m", autocomplete: "off", size: 6 })),
    h("button", { type: "submit" }, "Count"),
    result,
    alert,
  );

  function acts(filter, count) {
    const act = (what) => async () => {
      if (await what(filter, count)) {
        result.replaceChildren();
        changed();
      }
    };
    return [
      h("button.primary", { type: "button", onclick: act(replay) }, `Replay ${letters(count)}…`),
      h("button.danger", { type: "button", onclick: act(drop) }, `Drop ${letters(count)}…`),
    ];
  }

  return h("details.panel", {}, h("summary", {}, "Replay or drop by queue, type or age"), form);
}

export const letterPlace = (queue, id) => `#/letter?${query({ queue, id })}`;
export const groupPlace = (group) => `#/dead?${query({ queue: group.queue, fingerprint: group.fingerprint })}`;

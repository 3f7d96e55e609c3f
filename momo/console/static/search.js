// What a search has found: each leads to its place, commands to their story.

import { get, query } from "./api.js";
import { h, later, rowTo, table } from "./dom.js";
import { ago } from "./format.js";

export function search([words = ""]) {
  document.getElementById("search").value = words;
  const found = later(get(`search?${query({ q: words })}`), ({ items, away }) => {
    const notice = away.length ? h("p.alert", {}, `Not all was searched: the database of ${away.join(", ")} does not answer.`) : "";
    if (!items.length) {
      return [notice, h("p", {}, "Nothing is called so."), h("p.soft", {}, "Try a member’s or meeting’s id (“member 7”, “meeting 7”), an e-mail address, a nickname, an order (momo-…), a command’s id, or a part of a queue’s name.")];
    }
    const rows = items.map((item) =>
      rowTo(item.place, item.title, h("td", {}, h("span.badge.plain", {}, item.kind)), h("td.soft", {}, item.detail), h("td.nowrap.wide", {}, ago(item.at))),
    );
    return [notice, h("div.scroll", {}, table(`${items.length} found`, ["What", "Kind", "", ["When", "wide"]], h("tbody", {}, rows)))];
  });
  return { title: `Search: ${words}`, element: h("section", {}, h("h1", {}, `“${words}”`), found) };
}

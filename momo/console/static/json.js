// JSON for people: indented, its names, texts and numbers told apart.

import { h } from "./dom.js";

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/g;

/** Nodes that show `value`; a text stays a text. */
export function json(value) {
  if (typeof value === "string") return [value];
  const text = JSON.stringify(value, null, 2);
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [whole, quoted, colon] = match;
    const kind = colon ? "name" : quoted ? "text" : "value";
    nodes.push(text.slice(end, match.index), h(`span.${kind}`, {}, quoted ?? whole));
    end = match.index + (quoted ?? whole).length;
  }
  nodes.push(text.slice(end));
  return nodes;
}

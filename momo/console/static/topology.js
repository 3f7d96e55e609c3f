// The topology, asked once: it changes only with a release.

import { get } from "./api.js";

let asked = null;

/** By queue name: service, contract, dead-letter queue and the rest. */
export function topology() {
  asked ??= get("topology").then(
    ({ items }) => new Map(items.map((item) => [item.name, item])),
    (error) => {
      asked = null;
      throw error;
    },
  );
  return asked;
}

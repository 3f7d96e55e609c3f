// Elements by hand: no markup is ever made of text, so nothing in a letter can become part of the page.

/** An element `name` ("td.number") with attributes or `on…` handlers, and children (nodes, text, nothing). */
export function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element. */
export function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Sets the text of `element` only where it differs: a page that updates each second must not move. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Makes the children of `parent` those of `keys` in order: `make(key)` once each, what is no longer there removed. */
export function keyed(parent, known, keys, make) {
  const wanted = new Set(keys);
  for (const [key, entry] of known) {
    if (!wanted.has(key)) {
      entry.element.remove();
      known.delete(key);
    }
  }
  let place = parent.firstElementChild;
  for (const key of keys) {
    let entry = known.get(key);
    if (!entry) known.set(key, (entry = make(key)));
    if (entry.element === place) place = place.nextElementSibling;
    else parent.insertBefore(entry.element, place);
  }
}

/** A table: `heads` are texts, or [text, class]. */
export function table(caption, heads, ...bodies) {
  const row = heads.map((head) => {
    const [label, kind] = Array.isArray(head) ? head : [head, ""];
    return h(kind ? `th.${kind}` : "th", { scope: "col" }, label);
  });
  return h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, row)), ...bodies);
}

/** A row that leads to `place`: its first cell holds the link, the keyboard moves over it. */
export function rowTo(place, link, ...cells) {
  return h(
    "tr",
    { data: { place }, onclick: follow },
    h("th", { scope: "row" }, h("a", { href: place }, link)),
    ...cells,
  );
}

function follow(event) {
  if (event.target.closest("a, button, input, summary") || getSelection().toString()) return;
  location.hash = event.currentTarget.dataset.place;
}

/** Name and value pairs; values that are empty are left out. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return h("dl.facts", {}, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** What `loading` gives, in place of a word that it is under way; or why it failed. */
export function later(loading, show) {
  const element = h("div", { "aria-busy": "true" }, h("p.soft", {}, "Loading…"));
  loading.then(
    (found) => element.replaceChildren(...[show(found)].flat()),
    (error) => element.replaceChildren(h("p.alert", { role: "alert" }, error.message)),
  ).finally(() => element.removeAttribute("aria-busy"));
  return element;
}

// A sparkline: the shape of the last minutes, without axes.

import { svg } from "./dom.js";

/** An SVG of `width` by `height`; `draw(values)` redraws it. Its greatest value is the top. */
export function sparkline(width, height) {
  const area = svg("path", { class: "spark-area" });
  const line = svg("path", { class: "spark-line" });
  const element = svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    area,
    line,
  );
  let drawn = "";
  return {
    element,
    draw(values) {
      const points = outline(values ?? [], width, height);
      if (points === drawn) return;
      drawn = points;
      line.setAttribute("d", points);
      area.setAttribute("d", points && `${points}L${width},${height}L0,${height}Z`);
    },
  };
}

const SPAN = 300;

function outline(values, width, height) {
  const most = Math.max(0, ...values);
  if (!most) return "";
  const step = width / (SPAN - 1);
  const start = width - (values.length - 1) * step;
  const y = (value) => (height - 1 - (value / most) * (height - 3)).toFixed(1);
  // as many points as there are pixels
  const every = Math.max(1, Math.ceil(values.length / width));
  const parts = [];
  for (let index = 0; index < values.length; index += every) {
    const peak = Math.max(...values.slice(index, index + every));
    parts.push(`${(start + index * step).toFixed(1)},${y(peak)}`);
  }
  parts.push(`${width},${y(values[values.length - 1])}`);
  return `M${parts.join("L")}`;
}

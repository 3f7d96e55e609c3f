// Figures as an operator reads them at three in the morning.

const NUMBER = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export const number = (value) => NUMBER.format(value);

/** Messages a second. */
export function rate(value) {
  if (!value) return "0";
  return value < 10 ? value.toFixed(1) : number(Math.round(value));
}

/** A span of seconds: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function age(seconds) {
  if (seconds < 0.05) return "0 s";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  const [size, unit] = parts[first];
  const [lower, minor] = parts[first + 1];
  const rest = Math.floor((seconds % size) / lower);
  return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${minor}` : ""}`;
}

/** A span of milliseconds: 0.8 ms, 12 ms, 1.2 s. */
export function span(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : age(ms / 1000);
}

/** How long ago `moment` (RFC 3339) was; in its title, when. */
export function ago(moment) {
  if (!moment) return "";
  const time = document.createElement("time");
  time.dateTime = moment;
  time.title = new Date(moment).toLocaleString();
  const seconds = (Date.now() - new Date(moment)) / 1000;
  time.textContent = seconds < 0 ? `in ${age(-seconds)}` : seconds < 1 ? "just now" : `${age(seconds)} ago`;
  return time;
}

/** The time of day; with the date where it is another day's. */
export function clock(moment) {
  if (!moment) return "";
  const date = new Date(moment);
  const today = date.toDateString() === new Date().toDateString();
  return today ? CLOCK.format(date) : `${DAY.format(date)} ${CLOCK.format(date)}`;
}

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

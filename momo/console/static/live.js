// What happens now: one stream of events, the last frame, and the depths of the last five minutes.

const KEPT = 300;
const SILENCE_MS = 6000;

export const live = { frame: null, depths: new Map(), state: "connecting" };
const watchers = new Set();
let source = null;
let heard = 0;

/** Calls `watcher` at each frame and change of state; what it returns ends that. */
export function watch(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Opens the stream; `refused` is called where the pass is no longer good. */
export function open(refused) {
  close();
  source = new EventSource("/console/api/live");
  source.addEventListener("history", (event) => {
    live.depths = new Map(Object.entries(JSON.parse(event.data).depths));
  });
  source.addEventListener("frame", (event) => {
    live.frame = JSON.parse(event.data);
    heard = Date.now();
    remember(live.frame.snapshot.queues);
    tell("live");
  });
  source.addEventListener("error", () => {
    tell("away");
    if (source?.readyState === EventSource.CLOSED) refused();
  });
}

export function close() {
  source?.close();
  source = null;
}

function remember(queues) {
  for (const queue of queues) {
    let depths = live.depths.get(queue.name);
    if (!depths) live.depths.set(queue.name, (depths = []));
    depths.push(queue.messages);
    if (depths.length > KEPT) depths.shift();
  }
}

function tell(state) {
  live.state = state;
  for (const watcher of watchers) watcher(live);
}

setInterval(() => {
  if (source && heard && Date.now() - heard > SILENCE_MS && live.state === "live") tell("away");
}, 1000);

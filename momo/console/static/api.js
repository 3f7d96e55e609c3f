// The console's API: JSON, and errors that say what to do.

export class Problem extends Error {
  constructor(status, problem) {
    const fields = (problem.errors ?? []).map((error) => `${error.field}: ${error.detail}`);
    super([problem.detail || problem.title, ...fields].filter(Boolean).join(" · "));
    this.status = status;
    this.type = problem.type ?? "";
  }
}

/** Told when a session has ended: the app then asks for a log-in. */
export const session = { ended: () => {} };

async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(`/console/api/${path}`, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, { title: "The gateway does not answer. Is it running?" });
  }
  const text = await response.text();
  let found = null;
  try {
    found = text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(response.status, { title: `The gateway answered ${response.status} with no JSON.` });
  }
  if (response.ok) return found;
  const problem = new Problem(response.status, found ?? { title: `The gateway answered ${response.status}.` });
  if (response.status === 401 && path !== "session") session.ended();
  throw problem;
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);
export const remove = (path) => ask("DELETE", path);
export const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();

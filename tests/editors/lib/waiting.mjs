// Waiting: every wait has a limit, and ends as soon as its condition holds.
import { setTimeout as pause } from "node:timers/promises";

/** How long anything may take on a busy machine; `$SUPERCARGO_EDITOR_LIMIT` says it in seconds. */
export const LIMIT = Number(process.env.SUPERCARGO_EDITOR_LIMIT ?? 60) * 1000;

/** How long a quick fix may take: cargo resolves each of them anew, at a low priority. */
export const PROOF = 4 * LIMIT;

/** How long a menu may take to open before it is asked for once more, in milliseconds. */
export const MENU = 5000;

/**
 * Waits until `look` answers something that is true, and answers that. What `look` throws counts as
 * "not yet" and is told when the limit is reached.
 */
export async function until(what, look, limit = LIMIT) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const answer = await look();
      if (answer) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      const reason = last ? `: ${last.message ?? last}` : "";
      throw new Error(`${what}: not within ${limit / 1000} s${reason}`);
    }
    await pause(25);
  }
}

/** What `promise` answers, or an error after the limit. */
export async function within(what, promise, limit = LIMIT) {
  const stop = new AbortController();
  const late = pause(limit, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what}: not within ${limit / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
    late.catch(() => {});
  }
}

// Waits for conditions. Every wait has a limit and ends as soon as its condition holds.
import { setTimeout as pause } from "node:timers/promises";

/** The limit of a wait in milliseconds; `$SUPERCARGO_EDITOR_LIMIT` sets it in seconds. */
export const LIMIT = Number(process.env.SUPERCARGO_EDITOR_LIMIT ?? 60) * 1000;

/** The limit for a quick fix: cargo resolves and verifies each of them at a low priority. */
export const FIX_LIMIT = 4 * LIMIT;

/** How long a menu may take to open before the test opens it again, in milliseconds. */
export const MENU_LIMIT = 15_000;

/**
 * Waits until `condition` returns something truthy, and returns that. If `condition` throws, it is called again; the last error is part
 * of the message when the limit is reached.
 */
export async function until(what, condition, limit = LIMIT) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const result = await condition();
      if (result) return result;
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

/** The result of `promise`, or an error after the limit. */
export async function within(what, promise, limit = LIMIT) {
  const stop = new AbortController();
  const timeout = pause(limit, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what}: not within ${limit / 1000} s`);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    stop.abort();
    timeout.catch(() => {});
  }
}

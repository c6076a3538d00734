/**
 * What a page has left that was closed amid a race, noted in the browser for its next visit.
 *
 * It removes its counters as it goes, but an increment that was under way may be done later, and makes its counter anew.
 */

import { PATIENCE } from "./client.js";

const KEY = "left-counters";

/** Note counters whose page is about to be gone. */
export function noteLeft(ids) {
  const now = Date.now();
  write({ ...read(), ...Object.fromEntries(ids.map((id) => [id, now])) });
}

/** Remove what has been noted; forget what was removed when nothing could be under way any more. */
export async function removeLeft(client) {
  for (const [id, left] of Object.entries(read())) {
    const settled = Date.now() - left > PATIENCE;
    const removed = await client.remove(id).catch(() => false);
    if (removed && settled) forget(id);
  }
}

function forget(id) {
  const left = read();
  delete left[id];
  write(left);
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // the browser keeps nothing for this page
  }
}

function write(left) {
  try {
    if (Object.keys(left).length) localStorage.setItem(KEY, JSON.stringify(left));
    else localStorage.removeItem(KEY);
  } catch {
    // The browser keeps nothing for this page.
  }
}

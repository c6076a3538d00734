/** The race itself: clients that increment one counter at the same time, and a look at it now and then. */

import { CallFailed } from "./client.js";

const PAUSE = 100; // milliseconds between two looks at the counter

/**
 * Let clients increment a counter that stands at 0 until each has made its increments, told to stop, or failed.
 *
 * Each client sends its next increment when the last one is answered. A conflict that could not be resolved is an
 * answer, too, and the client goes on; any other failure ends the race for all. Whoever stops it, requests under way
 * are waited for, so that every one of them is accounted for.
 *
 * @param {Client} client
 * @param {{strategy: string, id: string, clients: number, increments: number}} plan
 * @param {Tally} tally - what becomes of it
 * @param {AbortSignal} stop - ends it early
 * @param {() => void} show - called whenever there is something new to see
 */
export async function race(client, plan, tally, stop, show) {
  const began = performance.now();
  const ended = new AbortController();
  const over = () => stop.aborted || ended.signal.aborted;
  const clock = () => performance.now() - began;

  const end = (failure) => {
    tally.failure ??= failure;
    ended.abort();
  };

  async function increment() {
    for (let left = plan.increments; left > 0 && !over(); left -= 1) {
      try {
        tally.acknowledge(await client.increment(plan.strategy, plan.id));
      } catch (failure) {
        if (!(failure instanceof CallFailed)) throw failure;
        tally.fail(failure);
        if (failure.status !== 409) end(failure);
      }
      tally.elapsed = clock();
    }
  }

  async function look() {
    const { acknowledged } = tally;
    const { body } = await client.succeed("GET", `counters/${plan.id}`);
    tally.sample(clock(), acknowledged, body.value);
    show();
  }

  async function watch() {
    while (!over()) {
      await look();
      await pause(PAUSE, ended.signal);
    }
  }

  tally.sample(0, 0, 0);
  show();
  const watching = watch().catch(end);
  await Promise.all(Array.from({ length: plan.clients }, increment));
  ended.abort();
  await watching;
  try {
    // Now nothing is under way any more.
    await look();
    tally.settled = true;
  } catch (failure) {
    tally.leaveOpen();
    end(failure);
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    if (signal.aborted) resolve();
  });
}

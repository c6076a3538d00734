/** The page: what its buttons do. */

import { Card } from "./card.js";
import { Client } from "./client.js";
import { Counters } from "./counters.js";
import { noteLeft, removeLeft } from "./left.js";
import { race } from "./race.js";
import { staleWrite } from "./stale.js";
import { Steps } from "./steps.js";
import { Tally } from "./tally.js";
import { closing, count, staleClosing, verdict } from "./words.js";

const $ = (id) => document.getElementById(id);

const cards = new Map([...document.getElementsByName("strategy")].map(({ value }) => [value, new Card(value)]));

/** The counters of everything that has been started and is not yet over. */
const open = new Set();

/** Ends the race under way. */
let stop = new AbortController();

addEventListener("pagehide", () => {
  // A page that comes back from the browser's cache has no counter any more to go on with.
  stop.abort();
  for (const counters of open) noteLeft(counters.abandon());
});

// Where a token is needed, that waits until there is one.
if (!$("token")) removeLeft(new Client());

$("race").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!isEnabled("start")) return;
  const strategies = [...document.getElementsByName("strategy")].filter((box) => box.checked).map((box) => box.value);
  if (!strategies.length) return complain("complaint", "Choose at least one strategy.");
  stop = new AbortController();
  enable("start", false);
  enable("stop", true);
  return perform("complaint", (client, counters) => raceAll(client, counters, strategies)).finally(() => {
    enable("start", true);
    enable("stop", false);
  });
});

$("stop").addEventListener("click", () => {
  if (!isEnabled("stop")) return;
  stop.abort();
  enable("stop", false);
  tell("Stopping: nothing more is sent, and what is under way is waited for.");
});

$("replay").addEventListener("click", () => {
  if (!isEnabled("replay")) return;
  if (![...document.querySelectorAll("#token, #prefix")].every((field) => field.reportValidity())) return;
  enable("replay", false);
  perform("stale-complaint", replay).finally(() => enable("replay", true));
});

/**
 * Do something with counters of its own, which are gone afterwards, and complain of what goes wrong.
 *
 * @param {string} complaint - the id of where to complain
 * @param {(client: Client, counters: Counters) => Promise<void>} what
 */
async function perform(complaint, what) {
  complain(complaint, "");
  const client = new Client($("token")?.value);
  const counters = new Counters(client, $("prefix")?.value ?? "race-");
  const sentences = [];
  open.add(counters);
  try {
    await what(client, counters);
  } catch (failure) {
    sentences.push(failure.message);
  }
  const left = await counters.removeAll();
  open.delete(counters);
  await removeLeft(client);
  if (left.length) sentences.push(`These counters could not be removed, and may be left: ${left.join(", ")}.`);
  complain(complaint, sentences.join(" "));
}

async function raceAll(client, counters, strategies) {
  const plan = { clients: $("clients").valueAsNumber, increments: $("increments").valueAsNumber };
  const results = new Map();
  let end = "The race has broken off.";
  let last = "";
  tell("The race begins.");
  $("closing").textContent = "";
  for (const [strategy, card] of cards) card.enter(strategies.includes(strategy));
  try {
    for (const strategy of strategies) {
      const id = await counters.create(strategy);
      if (stop.signal.aborted) break;
      tell(`${last}/${strategy} races: ${plan.clients} clients, ${count(plan.increments)} increments each.`);
      const tally = await raceOne(client, { strategy, id, ...plan });
      results.set(strategy, tally);
      last = `/${strategy}: ${verdict(tally).text}. `;
      await counters.remove(id);
      if (tally.failure) throw tally.failure;
      if (stop.signal.aborted) break;
    }
    end = stop.signal.aborted ? "Stopped." : "The race is over.";
  } finally {
    for (const strategy of strategies) if (!results.has(strategy)) cards.get(strategy).passOver();
    tell(end);
    $("closing").textContent = closing([...results]);
  }
}

async function raceOne(client, plan) {
  const card = cards.get(plan.strategy);
  const tally = new Tally(plan.clients * plan.increments);
  await race(client, plan, tally, stop.signal, () => card.show(tally));
  card.finish(tally);
  return tally;
}

async function replay(client, counters) {
  const steps = new Steps($("steps"));
  steps.clear();
  $("stale-closing").textContent = "";
  const id = await counters.create("stale", 100);
  $("stale-closing").textContent = staleClosing(await staleWrite(client, id, (step) => steps.add(step)));
}

/** Let a button be pressed, or not. It keeps the focus, which `disabled` would take from it. */
function enable(id, enabled) {
  $(id).ariaDisabled = String(!enabled);
}

function isEnabled(id) {
  return $(id).ariaDisabled !== "true";
}

function tell(sentence) {
  $("news").textContent = sentence;
}

function complain(id, sentence) {
  $(id).textContent = sentence;
  $(id).hidden = !sentence;
}

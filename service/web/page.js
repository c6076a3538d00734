/** The page: what its buttons do. */

import { Card } from "./card.js";
import { Client } from "./client.js";
import { Counters } from "./counters.js";
import { race } from "./race.js";
import { staleWrite } from "./stale.js";
import { Steps } from "./steps.js";
import { Tally } from "./tally.js";
import { closing, count, verdict } from "./words.js";

const $ = (id) => document.getElementById(id);

/** The counters of everything that has been started and is not yet over. */
const open = new Set();
addEventListener("pagehide", () => open.forEach((counters) => counters.abandon()));

/** Ends the race under way. */
let stop = new AbortController();

$("race").addEventListener("submit", (event) => {
  event.preventDefault();
  const strategies = [...document.getElementsByName("strategy")].filter((box) => box.checked).map((box) => box.value);
  if (!strategies.length) return complain("complaint", "Choose at least one strategy.");
  stop = new AbortController();
  $("start").disabled = true;
  $("stop").disabled = false;
  return perform("complaint", (client, counters) => raceAll(client, counters, strategies)).finally(() => {
    $("start").disabled = false;
    $("stop").disabled = true;
  });
});

$("stop").addEventListener("click", () => {
  stop.abort();
  $("stop").disabled = true;
  tell("Stopping: nothing more is sent, and what is under way is waited for.");
});

$("replay").addEventListener("click", () => {
  if (![...document.querySelectorAll("#token, #prefix")].every((field) => field.reportValidity())) return;
  $("replay").disabled = true;
  perform("stale-complaint", replay).finally(() => ($("replay").disabled = false));
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
  const counters = new Counters(client);
  const sentences = [];
  open.add(counters);
  try {
    await what(client, counters);
  } catch (failure) {
    sentences.push(failure.message);
  }
  const left = await counters.removeAll();
  open.delete(counters);
  if (left.length) sentences.push(`These counters could not be removed, and are left: ${left.join(", ")}.`);
  complain(complaint, sentences.join(" "));
}

async function raceAll(client, counters, strategies) {
  const clients = $("clients").valueAsNumber;
  const increments = $("increments").valueAsNumber;
  const results = [];
  $("closing").textContent = "";
  const cards = [...document.getElementsByName("strategy")].map(({ value }) => [value, new Card(value)]);
  for (const [strategy, card] of cards) card.enter(strategies.includes(strategy));

  let end = "The race has broken off.";
  try {
    for (const [strategy, card] of cards) {
      if (!strategies.includes(strategy) || stop.signal.aborted) continue;
      const tally = new Tally(clients * increments);
      const id = await counters.create(prefix(), strategy);
      tell(`/${strategy} races: ${clients} clients, ${count(increments)} increments each.`);
      await race(client, { strategy, id, clients, increments }, tally, stop.signal, () => card.show(tally));
      card.finish(tally);
      results.push([strategy, tally]);
      tell(`/${strategy}: ${verdict(tally).text}.`);
      await counters.remove(id);
      if (tally.failure) throw tally.failure;
    }
    end = stop.signal.aborted ? "Stopped." : "The race is over.";
  } finally {
    if (results.length) tell(end);
    $("closing").textContent = closing(results);
  }
}

async function replay(client, counters) {
  const steps = new Steps($("steps"));
  steps.clear();
  $("stale-closing").textContent = "";
  const id = await counters.create(prefix(), "stale", 100);
  const value = await staleWrite(client, id, (step) => steps.add(step));
  $("stale-closing").textContent = `The counter holds ${value}: 100, Ada's 1 and Ben's 10. Neither is lost.`;
}

function prefix() {
  return $("prefix")?.value ?? "race-";
}

function tell(sentence) {
  $("news").textContent = sentence;
}

function complain(id, sentence) {
  $(id).textContent = sentence;
  $(id).hidden = !sentence;
}

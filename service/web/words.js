/** Numbers and verdicts in words. */

const NUMBER = new Intl.NumberFormat("en");
const LIST = new Intl.ListFormat("en-GB"); // without a comma before the "and"

/** A whole number, or a dash for one that is not known. */
export const count = (n) => (n === null ? "–" : NUMBER.format(n));

/** Milliseconds, or a dash. */
export const milliseconds = (n) => (n === null ? "–" : `${count(Math.max(1, Math.round(n)))} ms`);

/** Seconds of so many milliseconds. */
export const seconds = (n) => `${(n / 1000).toFixed(1)} s`;

/**
 * Judge a finished strategy.
 *
 * @param {Tally} tally
 * @returns {{tone: "kept" | "lost" | "doubled" | "none" | "open", text: string}} - "none": nothing was acknowledged that
 *   could be lost; "open": the counter could not be read
 */
export function verdict(tally) {
  const most = tally.acknowledged + tally.unknown;
  const expected = tally.unknown ? `${count(tally.acknowledged)} to ${count(most)}` : count(tally.acknowledged);
  const [tone, found] = finding(tally);
  return { tone, text: [`expected ${expected}${found}`, ...others(tally)].join(", ") };
}

function finding(tally) {
  if (!tally.settled) return ["open", ", and the counter cannot be read"];
  const got = `, got ${count(tally.stored)}:`;
  if (tally.lost) return ["lost", `${got} ${count(tally.lost)} lost`];
  if (tally.doubled) return ["doubled", `${got} ${count(tally.doubled)} too many`];
  if (!tally.acknowledged) return ["none", `${got} nothing was acknowledged`];
  return ["kept", `${got} none lost`];
}

/** What became of the increments that were not acknowledged. */
function others({ refused, unknown }) {
  const said = [];
  if (refused) said.push(`${count(refused)} refused`);
  if (unknown) said.push(`${count(unknown)} of unknown outcome`);
  return said;
}

/**
 * Sum up the race.
 *
 * @param {[string, Tally][]} results - by strategy, in the order in which they raced
 */
export function closing(results) {
  const of = (tone) => results.filter(([, tally]) => verdict(tally).tone === tone);
  const namesOf = (tone) => LIST.format(of(tone).map(([name]) => `/${name}`));
  const sentences = of("lost").map(
    ([name, tally]) => `/${name} lost ${count(tally.lost)} of the ${count(tally.acknowledged)} increments it had acknowledged.`,
  );
  sentences.push(...of("doubled").map(([name, tally]) => `/${name} counted ${count(tally.doubled)} twice.`));
  if (of("kept").length) sentences.push(`${namesOf("kept")} lost none.`);
  if (of("none").length) sentences.push(`${namesOf("none")} acknowledged nothing.`);
  if (of("open").length) sentences.push(`What ${namesOf("open")} came to is not known.`);
  for (const [name, tally] of results) {
    if (others(tally).length) sentences.push(`/${name}: ${LIST.format(others(tally))}.`);
  }
  return sentences.join(" ");
}

/** Say what the stale write came to, of a counter that stood at 100. */
export function staleClosing(value) {
  return value === 111
    ? "The counter holds 111: 100, Ada's 1 and Ben's 10. Neither is lost."
    : `The counter holds ${count(value)}, and not the 111 that 100, Ada's 1 and Ben's 10 make.`;
}

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
 * @returns {{tone: "kept" | "lost" | "doubled" | "open", text: string}}
 */
export function verdict(tally) {
  const most = tally.acknowledged + tally.unknown;
  const expected = tally.unknown ? `${count(tally.acknowledged)} to ${count(most)}` : count(tally.acknowledged);
  if (!tally.settled) return { tone: "open", text: `expected ${expected}, and the counter cannot be read` };
  const text = `expected ${expected}, got ${count(tally.stored)}`;
  if (tally.lost) return { tone: "lost", text: `${text}: ${count(tally.lost)} lost` };
  if (tally.doubled) return { tone: "doubled", text: `${text}: ${count(tally.doubled)} too many` };
  return { tone: "kept", text: `${text}: none lost` };
}

/**
 * Sum up the race.
 *
 * @param {[string, Tally][]} results - by strategy, in the order in which they raced
 */
export function closing(results) {
  const of = (tone) => results.filter(([, tally]) => verdict(tally).tone === tone);
  const sentences = of("lost").map(
    ([name, tally]) => `/${name} lost ${count(tally.lost)} of the ${count(tally.acknowledged)} increments it had acknowledged.`,
  );
  sentences.push(...of("doubled").map(([name, tally]) => `/${name} counted ${count(tally.doubled)} twice.`));
  const kept = of("kept").map(([name]) => `/${name}`);
  if (kept.length) sentences.push(`${LIST.format(kept)} lost none.`);
  const open = of("open").map(([name]) => `/${name}`);
  if (open.length) sentences.push(`What ${LIST.format(open)} came to is not known.`);
  return sentences.join(" ");
}

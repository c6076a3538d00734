/** What became of one strategy's increments, each of 1: sums, and how they grew. */

export class Tally {
  /** @param {number} total - how many increments there are to be */
  constructor(total) {
    this.total = total;
    this.acknowledged = 0;
    this.refused = 0; // certainly not counted
    this.unknown = 0; // not acknowledged, and counted or not
    this.answered = 0; // acknowledged, or otherwise
    this.conflicts = 0; // this and the attempts: of those acknowledged
    this.attempts = 0;
    /** What the counter holds, as last read; null before, and where it could not be read at the end. */
    this.stored = null;
    /** Whether that was after the last increment, so that it can be judged. */
    this.settled = false;
    /** How it grew: `{time, acknowledged, stored}`, time in milliseconds since the start. */
    this.samples = [];
    this.elapsed = 0;
    this.failure = null;
    this.#latencies = [];
  }

  #latencies;

  /** Note an acknowledged increment, which `took` so many milliseconds. */
  acknowledge({ body, took }) {
    this.acknowledged += 1;
    this.answered += 1;
    this.attempts += body.attempts;
    this.conflicts += body.conflicts;
    this.#latencies.push(took);
  }

  /** Note an increment that failed. */
  fail(failure) {
    if (failure.status) this.answered += 1;
    if (failure.outcome === "unknown") this.unknown += 1;
    else this.refused += 1;
  }

  /**
   * Note what the counter held when it was read.
   *
   * @param {number} time - milliseconds since the start
   * @param {number} acknowledged - how many were when the read was sent: at least these have to be in it
   * @param {number} stored - what it held
   */
  sample(time, acknowledged, stored) {
    this.stored = stored;
    this.samples.push({ time, acknowledged, stored });
  }

  /** Note that the counter could not be read at the end: what it held before is not what it came to. */
  leaveOpen() {
    this.stored = null;
  }

  /** How many were acknowledged and were not in the counter when it was last read, or null. */
  get lost() {
    if (this.stored === null) return null;
    const last = this.samples.at(-1);
    return Math.max(0, last.acknowledged - last.stored);
  }

  /** How many more are in the counter than were acknowledged or may have been counted, at the end. */
  get doubled() {
    return Math.max(0, (this.stored ?? 0) - this.acknowledged - this.unknown);
  }

  /** Tries beyond the first, of all acknowledged increments. */
  get retries() {
    return this.attempts - this.acknowledged;
  }

  /** Answered increments a second, or null before there is one. */
  get rate() {
    return this.answered && this.elapsed ? (this.answered / this.elapsed) * 1000 : null;
  }

  /** Milliseconds within which 95% of the acknowledged increments were answered (nearest rank), or null. */
  get p95() {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return sorted.length ? sorted[Math.ceil(sorted.length * 0.95) - 1] : null;
  }
}

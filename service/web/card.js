/** What is shown of one strategy. */

import { draw } from "./chart.js";
import { count, milliseconds, seconds, verdict } from "./words.js";

export class Card {
  #card;
  #blank;

  /** The card of a strategy, which the page brings along, blank. */
  constructor(strategy) {
    this.#card = document.querySelector(`[data-strategy="${strategy}"]`);
    this.#blank = this.#card.cloneNode(true);
  }

  /** Take part in the race to come, or stand aside; show nothing any more of the last one. */
  enter(takesPart) {
    this.#card.hidden = !takesPart;
    this.#card.replaceChildren(...this.#blank.cloneNode(true).childNodes);
    this.#state("waiting", "waiting for its turn");
  }

  /** Say that the race has ended before its turn. */
  passOver() {
    this.#state("waiting", "not raced");
  }

  /** Show how a race goes. */
  show(tally) {
    this.#state("racing", `${count(tally.acknowledged)} of ${count(tally.total)}`);
    this.#figures(tally, "Racing");
  }

  /** Show how it ended. */
  finish(tally) {
    const { tone, text } = verdict(tally);
    this.#figures(tally, `After ${seconds(tally.elapsed)}`);
    this.#state(tone, text);
  }

  #state(state, words) {
    this.#card.dataset.state = state;
    this.#text("verdict", words);
  }

  #figures(tally, when) {
    this.#text("acknowledged", count(tally.acknowledged));
    this.#text("stored", count(tally.stored));
    this.#text("total", count(tally.total));
    this.#text("span", seconds(tally.samples.at(-1).time));
    this.#text("lost", count(tally.lost));
    this.#text("conflicts", count(tally.conflicts));
    this.#text("retries", count(tally.retries));
    this.#text("rate", tally.rate === null ? "–" : count(Math.round(tally.rate)));
    this.#text("p95", milliseconds(tally.p95));
    this.#bar(".acknowledged .fill", tally.acknowledged / tally.total);
    this.#bar(".stored .fill", tally.stored / tally.total);
    this.#bar(".stored .gap", tally.lost / tally.total);
    const chart = this.#card.querySelector("svg");
    draw(chart, tally);
    chart.ariaLabel = `${when}: ${count(tally.acknowledged)} acknowledged, ${count(tally.stored)} stored.`;
  }

  #text(what, text) {
    this.#card.querySelector(`[data-show="${what}"]`).textContent = text;
  }

  #bar(which, share) {
    this.#card.querySelector(which).style.inlineSize = `${Math.min(1, share) * 100}%`;
  }
}

/** What is shown of one strategy. */

import { draw } from "./chart.js";
import { count, milliseconds, seconds, verdict } from "./words.js";

export class Card {
  #card;

  /** The card of a strategy, which the page brings along. */
  constructor(strategy) {
    this.#card = document.querySelector(`[data-strategy="${strategy}"]`);
  }

  /** Take part in the race to come, or stand aside. */
  enter(takesPart) {
    this.#card.hidden = !takesPart;
    this.#state("waiting", "waiting for its turn");
  }

  /** Show how a race goes. */
  show(tally) {
    this.#state("racing", `${count(tally.acknowledged)} of ${count(tally.total)}`);
    this.#figures(tally);
  }

  /** Show how it ended. */
  finish(tally) {
    const { tone, text } = verdict(tally);
    this.#figures(tally);
    this.#state(tone, text);
    const alternative = `After ${seconds(tally.elapsed)}: ${count(tally.acknowledged)} acknowledged, ${count(tally.stored)} stored.`;
    this.#card.querySelector("svg").setAttribute("aria-label", alternative);
  }

  #state(state, words) {
    this.#card.dataset.state = state;
    this.#text("verdict", words);
  }

  #figures(tally) {
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
    draw(this.#card.querySelector("svg"), tally);
  }

  #text(what, text) {
    this.#card.querySelector(`[data-show="${what}"]`).textContent = text;
  }

  #bar(which, share) {
    this.#card.querySelector(which).style.inlineSize = `${Math.min(1, share) * 100}%`;
  }
}

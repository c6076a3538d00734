"""What one shard takes from a number of writers, each with one write under way: the figures of docs/scaling.md.

A worker that gathers the increments of its requests (``/batched``) is such a writer, so their number stands for
workers, and what is measured here with a hundred threads is what as many workers would meet. A write carries one
amount for the hot counter, and one for each of several counters otherwise, as the service sends them.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from elasticsearch import Elasticsearch

from benchmarks import rounds
from benchmarks.rounds import ALL_SECONDS, Figures, figures_of
from benchmarks.stores import writes_of
from service import deadlines
from service.counters import Increment
from service.errors import CounterError
from service.retries import Retries
from service.storage.repository import ElasticsearchCounters
from service.strategies import scripted

WRITERS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
"""On the hot counter."""

SPREAD: Final = tuple((writers, batch) for writers in (1, 4, 16) for batch in (1, 10, 100))
"""Writers, and the counters that a write of each adds to, out of `COUNTERS`."""

COUNTERS: Final = 10_000
DEADLINE: Final = 30.0
"""Seconds for a write: no writer gives up here, so that the time it takes can be seen."""


@dataclass(frozen=True, slots=True)
class Variant:
    """So many writers, and so many counters that each of their writes adds to; 0: to the one that all share."""

    writers: int
    batch: int


class Shard:
    """The counters' index, and how to write to it.

    Args:
        client: Asks how often a version conflict was met.
        repository: Writes.
        retries: How a writer tries again after one.
        index: The index.
    """

    def __init__(
        self, client: Elasticsearch, repository: ElasticsearchCounters, retries: Retries, index: str
    ) -> None:
        self._client = client
        self._repository = repository
        self._retries = retries
        self._index = index

    def conflicts(self) -> int:
        """Return how many version conflicts the shard has met so far, those included that it retried itself."""
        return writes_of(self._client, self._index).conflicts

    def write(self, batch: int) -> bool:
        """Send one write, and return once that is answered whether all of it is acknowledged."""
        with deadlines.within(DEADLINE):
            if batch:
                numbers = random.sample(range(COUNTERS), batch)
                results = self._repository.add_each([Increment(f"counter-{number}") for number in numbers])
                return not any(isinstance(result, CounterError) for result in results)
            try:
                scripted.increment(self._repository, Increment("hot"), self._retries)
            except CounterError:
                return False
            return True

    def measure(self, variant: Variant) -> Figures:
        """Let writers write, and return what that came to."""
        barrier = threading.Barrier(variant.writers + 1)

        def work() -> tuple[list[tuple[float, float]], int]:
            times, failed = [], 0
            barrier.wait()
            end = time.perf_counter() + ALL_SECONDS
            while (began := time.perf_counter()) < end:
                if self.write(variant.batch):
                    times.append((began, time.perf_counter()))
                else:
                    failed += 1
            return times, failed

        with ThreadPoolExecutor(variant.writers) as pool:
            working = [pool.submit(work) for _ in range(variant.writers)]
            before = self.conflicts()
            barrier.wait()
            start = time.perf_counter()
            done = [each.result() for each in working]
        return figures_of(
            [each for times, _ in done for each in times],
            start=start,
            conflicts=self.conflicts() - before,
            failed=sum(failed for _, failed in done),
        )


def measured(shard: Shard) -> dict[Variant, Figures]:
    """Measure all variants, round by round."""
    hot = [Variant(writers, 0) for writers in WRITERS]
    variants = [*hot, *(Variant(writers, batch) for writers, batch in SPREAD)]
    return rounds.measured(variants, shard.measure, name="Writers")


def tables(figures: dict[Variant, Figures]) -> Iterator[str]:
    """Yield the figures of the hot counter, and those of many counters, as tables of Markdown's."""
    yield _table(
        "| writers | writes/s | conflicts a write | p50 | p99 | failed |\n|---:|---:|---:|---:|---:|---:|",
        figures,
        lambda variant: None if variant.batch else f"{variant.writers}",
        lambda _, each: f"{each.rate:,.0f} | {each.conflicts:.2f}",
    )
    yield _table(
        "| writers | counters a write | writes/s | increments/s | p50 | p99 | failed |\n"
        "|---:|---:|---:|---:|---:|---:|---:|",
        figures,
        lambda variant: f"{variant.writers} | {variant.batch}" if variant.batch else None,
        lambda variant, each: f"{each.rate:,.0f} | {each.rate * variant.batch:,.0f}",
    )


def _table(
    head: str,
    figures: dict[Variant, Figures],
    name: Callable[[Variant], str | None],
    rates: Callable[[Variant, Figures], str],
) -> str:
    lines = [
        f"| {named} | {rates(variant, each)} | {1000 * each.p50:.1f} ms | {1000 * each.p99:.1f} ms"
        f" | {each.failed} |"
        for variant, each in figures.items()
        if (named := name(variant)) is not None
    ]
    return "\n".join([head, *lines]) + "\n"

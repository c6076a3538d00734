"""Lists of increments: what the strategies share to send many counters in one call.

A list may name a counter several times, and those increments are applied in order. So the list goes out in
rounds, in each of which a counter stands at most once: within a round the order does not matter.
"""

from collections.abc import Callable, Iterator, Sequence

from service.counters import Counter, Increment, Incremented
from service.errors import ConflictsNotResolved, CounterError, OutOfTime, VersionConflict
from service.retries import Retries
from service.storage.protocol import CounterRepository, Result

TryEach = Callable[[CounterRepository, Sequence[Increment]], list[Result]]
"""One try at increments of different counters; a conflict is a `VersionConflict` in its place."""

WriteEach = Callable[[Sequence[tuple[Counter, int]]], list[Result]]
"""Writes new values over counters as they were seen."""


def increment_each(
    try_each: TryEach, repository: CounterRepository, asked: Sequence[Increment], retries: Retries
) -> list[Incremented | CounterError]:
    """Apply a list of increments and return what became of each, in order.

    One budget covers the list: a round that would begin after it is not begun, the first excepted, and its items
    end in `OutOfTime`.
    """
    results: list[Incremented | CounterError] = [OutOfTime() for _ in asked]
    deadline = retries.deadline()
    for number, round_ in enumerate(rounds(asked)):
        if number > 0 and retries.clock() >= deadline:
            break
        for position, result in _apply(try_each, repository, asked, round_, retries.attempts(deadline)):
            results[position] = result
    return results


def rounds(asked: Sequence[Increment]) -> list[list[int]]:
    """Split positions of ``asked`` so that no round has a counter twice and each counter's order is kept."""
    split: list[list[int]] = []
    met: dict[str, int] = {}
    for position, item in enumerate(asked):
        nth = met.get(item.counter_id, 0)
        met[item.counter_id] = nth + 1
        if nth == len(split):
            split.append([])
        split[nth].append(position)
    return split


def read_then_write_each(
    repository: CounterRepository, asked: Sequence[Increment], write_each: WriteEach
) -> list[Result]:
    """Read each counter, then write each sum; what could not be read is not written."""
    results = repository.read_each([item.counter_id for item in asked])
    sums = [
        (position, seen, seen.value + item.by)
        for position, (seen, item) in enumerate(zip(results, asked, strict=True))
        if isinstance(seen, Counter)
    ]
    written = write_each([(seen, value) for _, seen, value in sums])
    for (position, _, _), result in zip(sums, written, strict=True):
        results[position] = result
    return results


def _apply(
    try_each: TryEach,
    repository: CounterRepository,
    asked: Sequence[Increment],
    positions: list[int],
    attempts: Iterator[int],
) -> Iterator[tuple[int, Incremented | CounterError]]:
    """Try until no item of the round is in conflict any more, and tell each position's result once."""
    pending, attempt = positions, 0
    for attempt in attempts:
        conflicting = []
        outcomes = try_each(repository, [asked[position] for position in pending])
        for position, outcome in zip(pending, outcomes, strict=True):
            if isinstance(outcome, VersionConflict):
                conflicting.append(position)
            elif isinstance(outcome, CounterError):
                yield position, outcome
            else:
                yield position, Incremented(outcome, asked[position].by, attempt, attempt - 1)
        if not conflicting:
            return
        pending = conflicting
    for position in pending:
        yield position, ConflictsNotResolved(asked[position].counter_id, attempt)

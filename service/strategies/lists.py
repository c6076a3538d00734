"""Lists of increments: what the strategies share to send many counters in one call.

A list may name a counter several times, and those increments are applied in order. A strategy that writes what it has
read sends the list in rounds, in each of which a counter stands at most once; one that has the storage add sends all
that is for a counter at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from service.counters import Applied, Counter, Increment, Incremented, Revision, Step
from service.errors import CounterError, OutOfTime, VersionConflict
from service.retries import Retries
from service.storage.protocol import Batching, CounterRepository
from service.strategies.trial import Trial

S = TypeVar("S", bound=Batching)
"""What a strategy is called with."""

TryEach = Callable[[S, Sequence[Increment]], list[Applied | CounterError]]
"""One try at increments of different counters; a conflict is a `VersionConflict` in its place."""

Split = Callable[[Sequence[Increment], int], list[list[int]]]
"""Splits a list into positions that go into one call, of so many counters at most: `rounds` or `parts`."""

WriteEach = Callable[[Sequence[Counter]], list[Revision | CounterError]]
"""Writes counters as they are to be, and returns their new revisions."""


def increment_each(
    try_each: TryEach[S], split: Split, storage: S, asked: Sequence[Increment], retries: Retries
) -> list[Incremented | CounterError]:
    """Apply a list of increments and return what became of each, in order.

    One deadline covers the list: a call that would come too late for it is not begun, the first excepted, and its
    items end in `OutOfTime`.
    """
    results: list[Incremented | CounterError] = [OutOfTime() for _ in asked]
    for number, positions in enumerate(split(asked, storage.batch)):
        if number > 0 and not retries.in_time():
            break
        for position, result in _apply(try_each, storage, asked, positions, retries.attempts()):
            results[position] = result
    return results


def rounds(asked: Sequence[Increment], batch: int) -> list[list[int]]:
    """Split positions of ``asked`` so that no round has a counter twice and each counter's order is kept.

    Args:
        asked: The list.
        batch: How many counters a round may have at most, from 1.
    """
    split: list[list[int]] = []
    met: dict[str, int] = {}
    for position, item in enumerate(asked):
        nth = met.get(item.counter_id, 0)
        met[item.counter_id] = nth + 1
        if nth == len(split):
            split.append([])
        split[nth].append(position)
    return [round_[start : start + batch] for round_ in split for start in range(0, len(round_), batch)]


def parts(asked: Sequence[Increment], batch: int) -> list[list[int]]:
    """Split positions of ``asked`` so that all of a counter's are in one part, in their order.

    Args:
        asked: The list.
        batch: How many counters a part may have at most, from 1.
    """
    by_counter: defaultdict[str, list[int]] = defaultdict(list)
    for position, item in enumerate(asked):
        by_counter[item.counter_id].append(position)
    each = list(by_counter.values())
    return [sorted(chain(*each[start : start + batch])) for start in range(0, len(each), batch)]


def read_then_write_each(
    repository: CounterRepository, asked: Sequence[Increment], write_each: WriteEach
) -> list[Applied | CounterError]:
    """Read each counter, then write what each increment makes of it; what has failed by then is not written."""
    seen = repository.read_each([item.counter_id for item in asked])
    steps = [_step(item, counter) for item, counter in zip(asked, seen, strict=True)]
    written = iter(write_each([step.counter for step in steps if isinstance(step, Step)]))
    return [_applied(step, next(written)) if isinstance(step, Step) else step for step in steps]


def _step(item: Increment, seen: Counter | CounterError) -> Step | CounterError:
    if isinstance(seen, CounterError):
        return seen
    try:
        return item.applied_to(seen)
    except CounterError as error:
        return error


def _applied(step: Step, written: Revision | CounterError) -> Applied | CounterError:
    if isinstance(written, CounterError):
        return written
    return Applied(step.value, written, step.replayed)


def _apply(
    try_each: TryEach[S],
    storage: S,
    asked: Sequence[Increment],
    positions: list[int],
    attempts: Iterator[int],
) -> Iterator[tuple[int, Incremented | CounterError]]:
    """Try until none of these items is to be tried again, and tell each position's result once."""
    trials, attempt = {position: Trial(asked[position]) for position in positions}, 0
    for attempt in attempts:
        outcomes = try_each(storage, [asked[position] for position in trials])
        pending = {}
        for (position, trial), outcome in zip(trials.items(), outcomes, strict=True):
            try:
                done = _settle(trial, outcome)
            except CounterError as error:
                yield position, error
            else:
                if done:
                    yield position, Incremented(asked[position], done, attempt, trial.conflicts)
                else:
                    pending[position] = trial
        if not pending:
            return
        trials = pending
    for position, trial in trials.items():
        yield position, trial.failure(attempt)


def _settle(trial: Trial, outcome: Applied | CounterError) -> Applied | None:
    """Return what an item came to, None if it is to be tried again; raise what it ends in otherwise."""
    match outcome:
        case Applied():
            return outcome
        case VersionConflict():
            trial.conflict()
        case _:
            trial.repeat_or_raise(outcome)
    return None

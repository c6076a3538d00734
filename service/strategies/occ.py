"""Read, add, write back if nobody wrote in between. Prevents the *lost update*.

This is optimistic concurrency control. Elasticsearch refuses a write whose ``if_seq_no`` and
``if_primary_term`` are no longer the document's, a *version conflict*; the increment then starts over from a
fresh read, for the old value is worth nothing. The more writers share a counter, the more of their work is
thrown away; so those of one worker take turns, and only workers meet each other.
"""

from collections.abc import Sequence

from service.counters import Applied, Increment, Incremented
from service.errors import CounterError, VersionConflict
from service.preconditions import UNCONDITIONAL, Precondition
from service.retries import Retries
from service.storage.protocol import Registers
from service.strategies.lists import read_then_write_each
from service.strategies.trial import Trial
from service.strategies.turns import Turns


def increment(storage: Turns, asked: Increment, retries: Retries) -> Incremented:
    """Add to a counter in turn, starting over from a fresh read as long as others come first.

    Raises:
        ConflictsNotResolved: Others came first each time, until the retries were used up.
        OutOfTime: The turn did not come in time.
    """
    with storage.turn(asked) as turn:
        return try_until_unchanged(turn, asked, retries)


def increment_if(storage: Turns, asked: Increment, retries: Retries, required: Precondition) -> Incremented:
    """Add to a counter that is as the caller requires, and out of turn: the caller has read it long ago.

    Raises:
        PreconditionFailed: The counter is not, or is no longer, what the caller requires.
        ConflictsNotResolved: It is, but others came first each time, until the retries were used up.
    """
    return try_until_unchanged(storage.repository, asked, retries, required)


def try_until_unchanged(
    registers: Registers, asked: Increment, retries: Retries, required: Precondition = UNCONDITIONAL
) -> Incremented:
    """Read, add and write until nobody wrote in between."""
    trial, attempt = Trial(asked), 0
    for attempt in retries.attempts():
        try:
            seen = registers.read(asked.counter_id)
            step = asked.applied_to(seen)
            if not step.replayed:
                trial.found_new()
                required.check(seen)
            revision = registers.compare_and_set(step.counter)
        except VersionConflict:
            trial.conflict()
        except CounterError as error:
            trial.repeat_or_raise(error)
        else:
            applied = Applied(step.value, revision, step.replayed)
            return Incremented(asked, applied, attempt, trial.conflicts)
    raise trial.failure(attempt)


def try_each(storage: Turns, asked: Sequence[Increment]) -> list[Applied | CounterError]:
    """Try once to add to each of several different counters, in one read and one conditional write."""
    repository = storage.repository
    return read_then_write_each(repository, asked, repository.compare_and_set_each)

"""Read, add, write back if nobody wrote in between. Prevents the *lost update*.

This is optimistic concurrency control. Elasticsearch refuses a write whose ``if_seq_no`` and
``if_primary_term`` are no longer the document's, a *version conflict*; the increment then starts over from a
fresh read, for the old value is worth nothing. The more writers share a counter, the more of their work is
thrown away.
"""

from collections.abc import Sequence

from service.counters import Applied, Increment, Incremented
from service.errors import CounterError, VersionConflict
from service.preconditions import UNCONDITIONAL, Precondition
from service.retries import Retries
from service.storage.protocol import CounterRepository
from service.strategies.lists import read_then_write_each
from service.strategies.trial import Trial


def increment(
    repository: CounterRepository,
    asked: Increment,
    retries: Retries,
    required: Precondition = UNCONDITIONAL,
) -> Incremented:
    """Add to a counter, starting over from a fresh read as long as others come first.

    Raises:
        ConflictsNotResolved: Others came first each time, until the retries were used up.
        PreconditionFailed: The counter is not, or is no longer, what the caller requires.
    """
    trial, attempt = Trial(asked), 0
    for attempt in retries.attempts():
        try:
            seen = repository.read(asked.counter_id)
            step = asked.applied_to(seen)
            if not step.replayed:
                required.check(seen)
            revision = repository.compare_and_set(step.counter)
        except VersionConflict:
            trial.conflicts += 1
        except CounterError as error:
            trial.repeat_or_raise(error)
        else:
            applied = Applied(step.value, revision, step.replayed)
            return Incremented(asked, applied, attempt, trial.conflicts)
    raise trial.failure(attempt)


def try_each(repository: CounterRepository, asked: Sequence[Increment]) -> list[Applied | CounterError]:
    """Try once to add to each of several different counters, in one read and one conditional write."""
    return read_then_write_each(repository, asked, repository.compare_and_set_each)

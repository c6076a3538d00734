"""Read, add, write back if nobody wrote in between. Prevents the *lost update*.

This is optimistic concurrency control. Elasticsearch refuses a write whose ``if_seq_no`` and
``if_primary_term`` are no longer the document's, a *version conflict*; the increment then starts over from a
fresh read, for the old value is worth nothing. The more writers share a counter, the more of their work is
thrown away.
"""

from collections.abc import Sequence

from service.counters import Increment, Incremented
from service.errors import ConflictsNotResolved, VersionConflict
from service.preconditions import UNCONDITIONAL, Precondition
from service.retries import Retries
from service.storage.protocol import CounterRepository, Result
from service.strategies.lists import read_then_write_each


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
    attempt = 0
    for attempt in retries.attempts():
        seen = repository.read(asked.counter_id)
        required.check(seen)
        try:
            written = repository.compare_and_set(seen, seen.value + asked.by)
        except VersionConflict:
            continue
        return Incremented(written, asked.by, attempts=attempt, conflicts=attempt - 1)
    raise ConflictsNotResolved(asked.counter_id, attempt)


def try_each(repository: CounterRepository, asked: Sequence[Increment]) -> list[Result]:
    """Try once to add to each of several different counters, in one read and one conditional write."""
    return read_then_write_each(repository, asked, repository.compare_and_set_each)

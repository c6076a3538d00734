"""Setting and deleting counters: conditional writes like `service.strategies.occ`, for other ends."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from service.counters import Counter
from service.errors import ConflictsNotResolved, CounterNotFound, VersionConflict
from service.preconditions import Precondition
from service.retries import Retries
from service.storage.protocol import CounterRepository

T = TypeVar("T")


def set_counter(
    repository: CounterRepository, counter_id: str, value: int, retries: Retries, required: Precondition
) -> tuple[Counter, Counter]:
    """Set a counter to ``value`` and return it as it was right before, and as it is now.

    Raises:
        ConflictsNotResolved: Others wrote first each time, until the retries were used up.
        PreconditionFailed: The counter is not, or is no longer, what the caller requires.
    """

    def try_once() -> tuple[Counter, Counter]:
        before = repository.read(counter_id)
        required.check(before)
        after = before.set_to(value)
        return before, replace(after, revision=repository.compare_and_set(after))

    return _until_written(counter_id, retries, try_once)


def delete_counter(
    repository: CounterRepository, counter_id: str, retries: Retries, required: Precondition
) -> None:
    """Delete a counter, but not the memory of the operations on it: a late repetition does not bring it back.

    Raises:
        CounterNotFound: There is none.
        ConflictsNotResolved: Others wrote first each time, until the retries were used up.
        PreconditionFailed: The counter is not, or is no longer, what the caller requires.
    """

    def try_once() -> None:
        seen = repository.read(counter_id)
        required.check(seen)
        if not seen.exists:
            raise CounterNotFound(counter_id)
        repository.delete(seen)

    _until_written(counter_id, retries, try_once)


def _until_written(counter_id: str, retries: Retries, try_once: Callable[[], T]) -> T:
    attempts = 0
    for _ in retries.attempts():
        attempts += 1
        try:
            return try_once()
        except VersionConflict:
            continue
    raise ConflictsNotResolved(counter_id, attempts)

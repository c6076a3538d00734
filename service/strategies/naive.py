"""Read, add, write back, whatever happened in between. Allows the *lost update*.

Two clients that read the same value both write that value plus their own amount, and the second write erases
the first. It is here to be compared with; nothing that has to be counted should use it.
"""

from collections.abc import Sequence

from service.counters import Applied, Increment, Incremented
from service.errors import CounterError
from service.retries import Retries
from service.storage.protocol import CounterRepository
from service.strategies.lists import read_then_write_each


def increment(repository: CounterRepository, asked: Increment, _retries: Retries) -> Incremented:
    """Add to a counter, erasing what others added since it was read."""
    seen = repository.read(asked.counter_id)
    step = asked.applied_to(seen)
    revision = repository.overwrite(step.counter)
    return Incremented(asked, Applied(step.value, revision))


def try_each(repository: CounterRepository, asked: Sequence[Increment]) -> list[Applied | CounterError]:
    """Add to each of several different counters, in one read and one write."""
    return read_then_write_each(repository, asked, repository.overwrite_each)

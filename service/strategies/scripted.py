"""Send the addition to where the value is. Prevents the *lost update* without a read over the network.

Elasticsearch runs the script on the shard and retries there on a version conflict. Its ``_update`` is still
get, script, index under a version check, and its own retries come at once, without backoff: when many clients
write one counter, ten of them run out. So a conflict can reach the service, which tries again after a random
wait.
"""

from collections.abc import Sequence

from service.counters import Increment, Incremented
from service.errors import ConflictsNotResolved, VersionConflict
from service.retries import Retries
from service.storage.protocol import CounterRepository, Result


def increment(repository: CounterRepository, asked: Increment, retries: Retries) -> Incremented:
    """Add to a counter, asking again as long as others come first.

    Raises:
        ConflictsNotResolved: Others came first each time, until the retries were used up.
    """
    attempt = 0
    for attempt in retries.attempts():
        try:
            written = repository.add(asked)
        except VersionConflict:
            continue
        return Incremented(written, asked.by, attempts=attempt, conflicts=attempt - 1)
    raise ConflictsNotResolved(asked.counter_id, attempt)


def try_each(repository: CounterRepository, asked: Sequence[Increment]) -> list[Result]:
    """Try once to add to each of several different counters, in one write."""
    return repository.add_each(asked)

"""Send the addition to where the value is. Prevents the *lost update* without a read over the network.

Elasticsearch runs the script on the shard and retries there on a version conflict. Its ``_update`` is still
get, script, index under a version check, and its own retries come at once, without backoff: when many clients
write one counter, ten of them run out. So a conflict can reach the service, which tries again after a random
wait.
"""

from collections.abc import Sequence

from service.counters import Applied, Increment, Incremented
from service.errors import CounterError, VersionConflict
from service.retries import Retries
from service.storage.protocol import Additions
from service.strategies.trial import Trial


def increment(storage: Additions, asked: Increment, retries: Retries) -> Incremented:
    """Add to a counter, asking again as long as others come first.

    Raises:
        ConflictsNotResolved: Others came first each time, until the retries were used up.
    """
    trial, attempt = Trial(asked), 0
    for attempt in retries.attempts():
        try:
            applied = storage.add(asked)
        except VersionConflict:
            trial.conflict()
        except CounterError as error:
            trial.repeat_or_raise(error)
        else:
            return Incremented(asked, applied, attempt, trial.conflicts)
    raise trial.failure(attempt)


def try_each(storage: Additions, asked: Sequence[Increment]) -> list[Applied | CounterError]:
    """Try once to add to each of several counters, in one write of each."""
    return storage.add_each(asked)

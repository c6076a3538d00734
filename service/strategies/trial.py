"""Whether an increment may be tried again, and what is true of all its tries together."""

from service.counters import Increment
from service.errors import ConflictsNotResolved, CounterError, Outcome, StorageRefused, StorageUnavailable


class Trial:
    """The tries of one increment. ``conflicts`` counts those that Elasticsearch refused as stale.

    A stale try changed nothing, and is tried again whoever asks. One whose outcome is unknown is not, for it could
    count twice; unless the increment is an operation, whose key tells the next try whether it was applied.
    """

    def __init__(self, asked: Increment) -> None:
        self._asked = asked
        self._unknown: CounterError | None = None
        self._passing: CounterError | None = None
        self.conflicts = 0

    def repeat_or_raise(self, error: CounterError) -> None:
        """Return if the increment may be tried again after ``error``.

        Raises:
            CounterError: What is true of it as a whole: once a try may have been applied, no later failure undoes that.
        """
        if error.outcome is Outcome.UNKNOWN:
            self._unknown = error
        passing = isinstance(error, StorageUnavailable) and not isinstance(error, StorageRefused)
        if self._asked.operation is None or not passing:
            raise self._unknown or error
        self._passing = error

    def failure(self, attempts: int) -> CounterError:
        """Return what an increment ends in whose tries are used up."""
        return self._unknown or self._passing or ConflictsNotResolved(self._asked.counter_id, attempts)

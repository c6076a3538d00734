"""Whether an increment may be tried again, and what is true of all its tries together."""

from service.counters import Increment
from service.errors import (
    ConflictsNotResolved,
    CounterError,
    IdempotencyKeyExpired,
    Outcome,
    OutOfTime,
    StorageRefused,
    StorageUnavailable,
)


class Trial:
    """The tries of one increment. ``conflicts`` counts those that Elasticsearch refused as stale.

    A stale try is tried again whoever asks. One whose outcome is unknown is not, for it could count twice; unless the
    increment is an operation, whose key tells the next try whether it was applied. What was certainly not applied is
    the caller's to repeat: Elasticsearch may be overloaded, and would be called yet more.

    What sends a write twice on its way passes on the second answer: that it is stale, because of the first. So a
    conflict of an operation leaves it open whether that was applied, until the counter is seen not to know it.
    """

    def __init__(self, asked: Increment) -> None:
        self._asked = asked
        self._unknown: CounterError | None = None
        self._may_have_met_itself = False
        self.conflicts = 0

    def conflict(self) -> None:
        """Take note of a stale try."""
        self.conflicts += 1
        self._may_have_met_itself = self._asked.operation is not None

    def found_new(self) -> None:
        """Take note that the counter does not know the operation: no stale try has applied it, or yet will."""
        self._may_have_met_itself = False

    def repeat_or_raise(self, error: CounterError) -> None:
        """Return if the increment may be tried again after ``error``.

        Raises:
            CounterError: What is true of it as a whole: once a try may have been applied, no later failure undoes that.
        """
        if isinstance(error, StorageUnavailable) and error.outcome is Outcome.UNKNOWN:
            self._unknown = self._unknown or error
        will_pass = isinstance(error, StorageUnavailable) and not isinstance(error, StorageRefused)
        if not (self._asked.operation and self._unknown and will_pass):
            # It may be told to others, too, and is to collect nobody's frames.
            raise (self._unknown or self._after_conflicts(error)).with_traceback(None)

    def _after_conflicts(self, error: CounterError) -> CounterError:
        """Return what is true after an error that, if there were conflicts, may not say what became of them."""
        says_nothing = isinstance(error, StorageUnavailable | OutOfTime | IdempotencyKeyExpired)
        if self._may_have_met_itself and says_nothing:
            return StorageUnavailable(f"An earlier try may have been applied. {error}", Outcome.UNKNOWN)
        return error

    def failure(self, attempts: int) -> CounterError:
        """Return what an increment ends in whose tries are used up."""
        outcome = Outcome.UNKNOWN if self._may_have_met_itself else Outcome.NOT_APPLIED
        return self._unknown or ConflictsNotResolved(self._asked.counter_id, attempts, outcome)

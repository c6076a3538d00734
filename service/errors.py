"""What can go wrong with a counter. The errors carry data and know nothing of HTTP or Elasticsearch."""

from enum import StrEnum


class Outcome(StrEnum):
    """What is known of a write that was not acknowledged."""

    NOT_APPLIED = "not-applied"
    """It certainly changed nothing: it may be repeated."""

    UNKNOWN = "unknown"
    """It may have been applied, or may yet be: to repeat it could count twice."""


class CounterError(Exception):
    """The base of everything below. An increment that ends in one was not acknowledged."""

    outcome = Outcome.NOT_APPLIED


class CounterNotFound(CounterError):
    """There is no such counter."""

    def __init__(self, counter_id: str) -> None:
        super().__init__(f"There is no counter {counter_id!r}.")
        self.counter_id = counter_id


class CounterOverflow(CounterError):
    """The write would take the counter out of the signed 64-bit range; it was refused."""

    def __init__(self, counter_id: str) -> None:
        super().__init__(f"Counter {counter_id!r} would leave the range of a signed 64-bit integer.")
        self.counter_id = counter_id


class VersionConflict(CounterError):
    """Somebody else wrote the counter first; the write was refused and changed nothing."""

    def __init__(self, counter_id: str) -> None:
        super().__init__(f"Counter {counter_id!r} was changed by another writer.")
        self.counter_id = counter_id


class ConflictsNotResolved(CounterError):
    """Every try met another writer, until the budget for tries or time was used up.

    ``outcome`` is unknown for an operation, one of whose tries may have been that other writer.
    """

    def __init__(self, counter_id: str, attempts: int, outcome: Outcome = Outcome.NOT_APPLIED) -> None:
        doubt = " One of them may have been this increment itself, sent twice on its way."
        super().__init__(
            f"Counter {counter_id!r} was changed by other writers during each of {attempts} attempts."
            f"{doubt if outcome is Outcome.UNKNOWN else ''}"
        )
        self.outcome = outcome
        self.counter_id = counter_id
        self.attempts = attempts


class IdempotencyKeyReused(CounterError):
    """The key already stands for something else: another amount, strategy, caller or list."""

    def __init__(self) -> None:
        super().__init__(
            "The key was used on this counter before, for another amount, strategy, caller or list."
        )


class IdempotencyKeyExpired(CounterError):
    """The key is older than what the counter remembers: this call changed nothing, an earlier one may have."""

    outcome = Outcome.UNKNOWN

    def __init__(self) -> None:
        super().__init__(
            "The key is older than a day, or than what the counter remembers. Nothing was changed now; if the key was"
            " sent before, it is not known any more whether it was applied."
        )


class PreconditionFailed(CounterError):
    """The caller's own condition does not hold, so nothing was written.

    ``required`` is the version (``"<primary_term>-<seq_no>"``) that the caller asked for, ``"*"`` for any,
    or None where the counter must not exist; ``current`` is its version now, None if there is no counter.
    """

    def __init__(self, counter_id: str, *, required: str | None, current: str | None) -> None:
        wanted = "does not exist" if required is None else f"has version {required}"
        found = "does not exist" if current is None else f"has version {current}"
        super().__init__(f"The request demands that counter {counter_id!r} {wanted}; it {found}.")
        self.counter_id = counter_id
        self.required = required
        self.current = current


class OutOfTime(CounterError):
    """The time for the request was used up before this was begun; in a list, before the item's turn came."""

    def __init__(self) -> None:
        super().__init__("The time for this request was used up before it could be done.")


class StorageUnavailable(CounterError):
    """Elasticsearch did not acknowledge the call; ``outcome`` says what is known of a write."""

    def __init__(self, reason: str, outcome: Outcome = Outcome.NOT_APPLIED) -> None:
        super().__init__(reason)
        self.outcome = outcome


class StorageRefused(StorageUnavailable):
    """Elasticsearch refused the call: it lacks a privilege, an index, or sense. To wait will not help."""

"""What the strategies ask of a place that keeps counters.

Two implementations keep to it, and one test suite holds both to it: Elasticsearch's, and the fake of the
unit tests.
"""

from collections.abc import Sequence
from typing import Protocol

from service.counters import Applied, Counter, Increment, Revision, Snapshot
from service.errors import CounterError


class Batching(Protocol):
    """Takes lists."""

    @property
    def batch(self) -> int:
        """How many counters a list should name at most, from 1: they are held in memory with all that they remember."""
        ...


class Additions(Batching, Protocol):
    """Adds to counters without reading them, each write durable once it returns."""

    def add(self, increment: Increment) -> Applied:
        """Do what `Increment.applied_to` says where the counter is stored, creating it at 0 first if need be.

        Raises:
            VersionConflict: Other writers came first each time the storage tried.
            CounterOverflow, IdempotencyKeyReused, IdempotencyKeyExpired: As `Increment.applied_to`.
        """
        ...

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """`add` each of them, in one call; a conflict is a `VersionConflict` in its place.

        Here a counter may be named several times: what is added to it is added in order, in one write.
        """
        ...


class Registers(Protocol):
    """Reads counters and writes them under a condition, as *compare-and-set registers*."""

    def read(self, counter_id: str) -> Counter:
        """Return the counter as of its last acknowledged write, or `Counter.absent`."""
        ...

    def compare_and_set(self, counter: Counter) -> Revision:
        """Store a counter if what stands there is still at its revision, or still absent if it has none.

        Returns:
            Its new revision.

        Raises:
            VersionConflict: Another writer came first.
        """
        ...


class CounterRepository(Additions, Registers, Protocol):
    """Reads and writes counters, each write durable once it returns.

    Every method raises `StorageUnavailable` if the storage does not acknowledge the call. The methods on lists do
    not: they answer item by item, in order. The ids in one list must differ, since its items may be applied in any
    order, unless a method says otherwise.
    """

    def peek(self, counter_id: str) -> Snapshot | None:
        """Return the counter likewise, but only to be shown; None if there is none."""
        ...

    def overwrite(self, counter: Counter) -> Revision:
        """Store a counter, its log included, whatever stands there by now, and return its new revision."""
        ...

    def read_each(self, counter_ids: Sequence[str]) -> list[Counter | CounterError]:
        """`read` each of them, in one call."""
        ...

    def overwrite_each(self, counters: Sequence[Counter]) -> list[Revision | CounterError]:
        """`overwrite` each of them, in one call."""
        ...

    def compare_and_set_each(self, counters: Sequence[Counter]) -> list[Revision | CounterError]:
        """`compare_and_set` each of them, in one call; a conflict is a `VersionConflict` in its place."""
        ...

    def delete(self, counter: Counter) -> None:
        """Remove an existing counter if it is still at its revision; what its log holds is kept.

        Raises:
            VersionConflict: Another writer came first.
        """
        ...

    def list(self, *, prefix: str, after: str, limit: int) -> Sequence[Snapshot]:
        """Return the counters whose id starts with ``prefix`` and sorts behind ``after``, by id.

        Near-realtime: a write may take a second to be listed. Ids sort by their bytes.
        """
        ...

    def check(self) -> None:
        """Return if counters can be read and written, raise `StorageUnavailable` otherwise."""
        ...

"""What the strategies ask of a place that keeps counters.

Two implementations keep to it, and one test suite holds both to it: Elasticsearch's, and the fake of the
unit tests.
"""

from collections.abc import Sequence
from typing import Protocol

from service.counters import Counter, Increment, Revision
from service.errors import CounterError

Result = Counter | CounterError
"""What became of one item of a list: the counter right after the write, or why there was none."""


class CounterRepository(Protocol):
    """Reads and writes counters, each write durable once it returns.

    Every method raises `StorageUnavailable` if the storage does not acknowledge the call. A write that would
    leave the signed 64-bit range raises `CounterOverflow`, changing nothing. The methods on lists raise
    neither: they answer item by item, in order. The ids in one list must differ, since its items may be
    applied in any order.
    """

    def read(self, counter_id: str) -> Counter:
        """Return the counter as of its last acknowledged write, or `Counter.absent`."""
        ...

    def overwrite(self, seen: Counter, value: int) -> Counter:
        """Set the value, whatever stands there by now."""
        ...

    def compare_and_set(self, seen: Counter, value: int) -> Counter:
        """Set the value if the counter is still at the revision ``seen``; create it if ``seen`` is absent.

        Raises:
            VersionConflict: Another writer came first.
        """
        ...

    def add(self, increment: Increment) -> Counter:
        """Add to the value where it is stored, creating the counter at 0 first if need be.

        Raises:
            VersionConflict: Other writers came first each time the storage tried.
        """
        ...

    def read_each(self, counter_ids: Sequence[str]) -> list[Result]:
        """`read` each of them, in one call."""
        ...

    def overwrite_each(self, counters: Sequence[tuple[Counter, int]]) -> list[Result]:
        """`overwrite` each (seen, value), in one call."""
        ...

    def compare_and_set_each(self, counters: Sequence[tuple[Counter, int]]) -> list[Result]:
        """`compare_and_set` each (seen, value), in one call; a conflict is a `VersionConflict` in its place."""
        ...

    def add_each(self, increments: Sequence[Increment]) -> list[Result]:
        """`add` each of them, in one call; a conflict is a `VersionConflict` in its place."""
        ...

    def delete(self, counter_id: str, revision: Revision) -> None:
        """Remove the counter if it is still at ``revision``.

        Raises:
            VersionConflict: Another writer came first.
        """
        ...

    def list(self, *, prefix: str, after: str, limit: int) -> Sequence[Counter]:
        """Return the counters whose id starts with ``prefix`` and sorts behind ``after``, by id.

        Near-realtime: a write may take a second to be listed. Ids sort by their bytes.
        """
        ...

    def check(self) -> None:
        """Return if counters can be read and written, raise `StorageUnavailable` otherwise."""
        ...

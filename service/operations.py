"""What makes a repeated increment count once: a log of operations, kept in the counter's own document.

An increment is not idempotent, and everything between a caller and the shard may repeat it. So a caller may name an
increment by a key, and the counter remembers the keys of its last increments with what each came to. Value and log
change in one write, the only atomic unit that Elasticsearch has: there is no moment at which one knows of an
increment and the other does not.

The log is bounded, and what was forgotten must not be taken for new. Keys are UUIDv7s, which sort by their time: the
oldest is forgotten first, and becomes the log's *floor*. A key that is not in the log is new only if it is younger
than the floor; all others are refused.

`service/storage/painless/increment.painless` does the same on the shard; tests/contract/test_operations.py holds
both to each other.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ and RFC 9562, section 5.7.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from service.errors import IdempotencyKeyExpired, IdempotencyKeyReused

DEFAULT_LIMIT: Final = 1000
"""How many operations a counter remembers unless a setting says otherwise."""

MAX_AGE: Final = 24 * 60 * 60
"""Seconds after which a key is refused whatever a counter remembers, so that what a deleted one remembers can go.

Not a setting: raised, it would let keys in again whose counter has forgotten them.
"""

TIME_DIGITS: Final = 12
"""How many of a key's first hexadecimal digits are its time."""


def time_of(key: str) -> int:
    """Return when a key was made, in milliseconds since 1970: the first 48 bits of a UUIDv7."""
    return int(key[:TIME_DIGITS], 16)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a caller may repeat without it counting twice.

    ``key`` is a UUIDv7 as 32 hexadecimal digits, so that keys sort by their time; the further items of a list on the
    same counter have ``-001`` to ``-999`` behind it. ``fingerprint`` stands for all that was asked under the key, so
    that nothing else passes for a repetition.
    """

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class OperationLog:
    """The last operations on a counter.

    ``entries`` holds, by key, the value right after the increment and the operation's fingerprint: as many as
    ``limit`` at most. ``floor`` is the youngest key that was forgotten, empty before there is one.
    """

    floor: str = ""
    entries: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    limit: int = DEFAULT_LIMIT

    @property
    def newest(self) -> int:
        """When its youngest key was made, in milliseconds since 1970; 0 for an empty log."""
        return max((time_of(key) for key in (*self.entries, self.floor) if key), default=0)

    @property
    def is_empty(self) -> bool:
        """Whether it has never held anything."""
        return not self.entries and not self.floor

    def find(self, operation: Operation) -> int | None:
        """Return the value that the operation came to when it was applied, or None if it is new.

        Raises:
            IdempotencyKeyReused: The key stands for something else.
            IdempotencyKeyExpired: It is not known any more whether the operation was applied.
        """
        if operation.key not in self.entries:
            if operation.key <= self.floor:
                raise IdempotencyKeyExpired
            return None
        value, fingerprint = self.entries[operation.key]
        if fingerprint != operation.fingerprint:
            raise IdempotencyKeyReused
        return value

    def including(self, operation: Operation, value: int) -> Self:
        """Return the log with an operation that came to ``value``, and without the oldest where it is too long.

        Raises:
            IdempotencyKeyExpired: The operation would be forgotten at once, and so could be applied again.
        """
        entries, floor = {**self.entries, operation.key: (value, operation.fingerprint)}, self.floor
        for oldest in heapq.nsmallest(len(entries) - self.limit, entries):
            if oldest == operation.key:
                raise IdempotencyKeyExpired
            del entries[oldest]
            floor = max(floor, oldest)
        return replace(self, floor=floor, entries=entries)

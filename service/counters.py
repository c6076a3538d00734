"""The values the service works with. Plain data: no Flask, no Elasticsearch."""

import re
from dataclasses import dataclass, replace
from typing import Final

from service.errors import CounterOverflow
from service.operations import Operation, OperationLog

EMPTY_LOG: Final = OperationLog()
"""The log of a counter that nobody has ever used a key on."""

MIN_VALUE: Final = -(2**63)
"""The smallest value of a counter, and of an amount: Elasticsearch's ``long``."""

MAX_VALUE: Final = 2**63 - 1
"""The largest value of a counter, and of an amount: Elasticsearch's ``long``."""

COUNTER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
"""What an id may look like, as a full match.

An allowlist: the Elasticsearch client leaves ``..``, ``,`` and ``*`` unescaped in paths, and Flask decodes
every invalid byte to the same replacement character, which would make different ids collide.
"""


def is_counter_id(text: str) -> bool:
    """Say whether ``text`` may name a counter: 1 to 128 ASCII characters, as `COUNTER_ID` has it."""
    return COUNTER_ID.fullmatch(text) is not None


def is_counter_value(value: int) -> bool:
    """Say whether ``value`` fits a counter: a signed 64-bit integer."""
    return MIN_VALUE <= value <= MAX_VALUE


@dataclass(frozen=True, slots=True)
class Revision:
    """Which write a document stands at: no two writes to a shard share one.

    Elasticsearch numbers every write to a shard (``seq_no``, from 0) and every change of the primary
    (``primary_term``, from 1); together they are what a conditional write is checked against.

    Source: https://www.elastic.co/docs/reference/elasticsearch/rest-apis/optimistic-concurrency-control
    """

    primary_term: int
    seq_no: int

    def __str__(self) -> str:
        return f"{self.primary_term}-{self.seq_no}"


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter as it was read or written, or as it is to be: ``value`` is a signed 64-bit integer.

    A counter that does not exist reads as 0. It has no revision if Elasticsearch holds no document for it; one that
    was deleted may have left a document with its log of operations.
    """

    id: str
    value: int
    revision: Revision | None
    log: OperationLog = EMPTY_LOG
    exists: bool = True

    @classmethod
    def absent(cls, counter_id: str, log: OperationLog = EMPTY_LOG) -> "Counter":
        """Return the counter that nobody has written yet."""
        return cls(counter_id, 0, None, log, exists=False)

    def set_to(self, value: int) -> "Counter":
        """Return the counter as it is to be: with another value, and its log kept.

        Raises:
            CounterOverflow: The value is no signed 64-bit integer.
        """
        if not is_counter_value(value):
            raise CounterOverflow(self.id)
        return replace(self, value=value, exists=True)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A counter that exists, to be shown: without its log of operations, and so not to be written back."""

    id: str
    value: int
    revision: Revision


@dataclass(frozen=True, slots=True)
class Step:
    """What an increment makes of a counter as it was seen: the ``counter`` to write, and the ``value`` to answer.

    They differ for an operation that was ``replayed``: the counter stays, and the value is what it was then.
    """

    counter: Counter
    value: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Increment:
    """What a caller asks for: add ``by``, a signed 64-bit integer, to a counter; once, if it is an ``operation``."""

    counter_id: str
    by: int = 1
    operation: Operation | None = None

    def applied_to(self, seen: Counter) -> Step:
        """Return what the increment makes of a counter, its log included.

        Raises:
            CounterOverflow: The sum is no signed 64-bit integer.
            IdempotencyKeyReused: The operation's key stands for something else on this counter.
            IdempotencyKeyExpired: It is not known any more whether the operation was applied.
        """
        if self.operation is None:
            after = seen.set_to(seen.value + self.by)
            return Step(after, after.value)
        logged = seen.log.find(self.operation)
        if logged is not None:
            return Step(seen, logged, replayed=True)
        after = seen.set_to(seen.value + self.by)
        return Step(replace(after, log=seen.log.including(self.operation, after.value)), after.value)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an increment came to in storage: the value right after it, and the revision at which that stands.

    There is no such revision where the same write has added more after it: whoever relied on the write's would take
    the others' increments for its own. If it was ``replayed`` the value is that of its first application, and the
    revision that of a later write.
    """

    value: int
    revision: Revision | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Incremented:
    """The answer to an increment: what it came to, and what it took to get there.

    ``attempts`` counts the tries, from 1; ``conflicts`` those that Elasticsearch refused as stale, from 0.
    """

    asked: Increment
    applied: Applied
    attempts: int = 1
    conflicts: int = 0

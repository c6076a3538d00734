"""The values the service works with. Plain data: no Flask, no Elasticsearch."""

import re
from dataclasses import dataclass
from typing import Final

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
    """A counter as it was read or written: ``value`` is a signed 64-bit integer.

    A counter that does not exist yet reads as 0 and has no revision.
    """

    id: str
    value: int
    revision: Revision | None

    @property
    def exists(self) -> bool:
        """Whether Elasticsearch holds a document for it."""
        return self.revision is not None

    @classmethod
    def absent(cls, counter_id: str) -> "Counter":
        """Return the counter that nobody has written yet."""
        return cls(counter_id, 0, None)


@dataclass(frozen=True, slots=True)
class Increment:
    """What a caller asks for: add ``by``, a signed 64-bit integer, to a counter."""

    counter_id: str
    by: int = 1


@dataclass(frozen=True, slots=True)
class Incremented:
    """What an increment came to: the counter right after it, and what it took to get there.

    ``attempts`` counts the tries, from 1; ``conflicts`` those that Elasticsearch refused as stale, from 0.
    """

    counter: Counter
    by: int
    attempts: int = 1
    conflicts: int = 0

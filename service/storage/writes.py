"""What is sent to Elasticsearch to write a counter, alone or as an item of a bulk request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any, Final, Generic, TypeVar

from service.counters import Applied, Counter, Increment, Revision
from service.errors import CounterError
from service.storage.answers import increments_applied, revision_written

VALUE: Final = {"includes": ["value"]}
"""The part of the document that lists of counters hold."""

SHOWN: Final = ("value", "deleted")
"""The parts of the document that are read to be shown."""

STATE: Final = ("value", "deleted", "operations.floor", "operations.entries")
"""The parts that are read to be changed: whoever writes the value writes the log with it."""

ANSWER: Final = {"includes": ["value", "operations.answers"]}
"""The parts of the document in which the script says what increments came to."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BulkItem(Generic[T]):
    """A write within a bulk request: its two lines, and what reads the answer to them."""

    counter_id: str
    action: dict[str, Any]
    content: dict[str, Any]
    read: Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Script:
    """The increment as Elasticsearch runs it.

    ``retry_on_conflict`` is how often it repeats it, from 0; ``log_limit`` how many operations a counter remembers,
    from 1.
    """

    source: str
    retry_on_conflict: int
    log_limit: int

    @classmethod
    def load(cls, *, retry_on_conflict: int, log_limit: int) -> "Script":
        """Return the script of increment.painless, without what is for people: it is sent with every counter."""
        painless = files("service.storage.painless").joinpath("increment.painless").read_text("utf-8")
        lines = (line.strip() for line in painless.splitlines())
        source = "\n".join(line for line in lines if line and not line.startswith("//"))
        return cls(source, retry_on_conflict, log_limit)

    def request(self, increments: Sequence[Increment]) -> dict[str, Any]:
        """Return the body of an update: increments of one counter, on a document with value 0 if there is none.

        The text stays the same and the numbers are params, or each amount would be compiled anew.
        """
        params = {"increments": [_as_param(increment) for increment in increments], "limit": self.log_limit}
        return {
            "script": {"source": self.source, "params": params},
            "upsert": {"id": increments[0].counter_id, "value": 0},
            "scripted_upsert": True,
            "_source": ANSWER,
        }

    def item(self, increments: Sequence[Increment]) -> BulkItem[list[Applied | CounterError]]:
        """Return the same as an item of a bulk request."""
        counter_id = increments[0].counter_id
        return BulkItem(
            counter_id,
            {"update": {"_id": counter_id, "retry_on_conflict": self.retry_on_conflict}},
            self.request(increments),
            partial(increments_applied, increments),
        )


def _as_param(increment: Increment) -> dict[str, Any]:
    if increment.operation is None:
        return {"by": increment.by}
    operation = increment.operation
    return {"by": increment.by, "key": operation.key, "fingerprint": operation.fingerprint}


def document(counter: Counter, *, now: float) -> dict[str, Any]:
    """Return the document of a counter; of one that does not exist only the log, by which a late repetition is known.

    Args:
        counter: As it is to be.
        now: Seconds since 1970. The document of a deleted counter goes once none of its keys is taken any more, which
            is a matter of their time; they may be ahead of this machine's clock.
    """
    log = counter.log
    operations = {} if log.is_empty else {"operations": {"floor": log.floor, "entries": log.entries}}
    if counter.exists:
        return {"id": counter.id, "value": counter.value, **operations}
    return {"id": counter.id, "deleted": max(round(now * 1000), log.newest), **operations}


def unchanged(counter: Counter) -> dict[str, Any]:
    """Return the condition of a write that must find the counter at its revision, or still absent."""
    if counter.revision is None:
        return {"op_type": "create"}
    return {"if_seq_no": counter.revision.seq_no, "if_primary_term": counter.revision.primary_term}


def index_item(counter: Counter, condition: dict[str, Any], *, now: float) -> BulkItem[Revision]:
    """Return the item that stores a counter under a condition; ``now`` as in `document`."""
    return BulkItem(
        counter.id,
        {"index": {"_id": counter.id, **condition}},
        document(counter, now=now),
        revision_written,
    )

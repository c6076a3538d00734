"""What is sent to Elasticsearch to write a counter, alone or as an item of a bulk request."""

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any, Final

from service.counters import Counter, Increment, is_counter_value
from service.errors import CounterError, CounterOverflow
from service.storage.answers import Reader, counter_indexed, counter_updated

VALUE: Final = {"includes": ["value"]}
"""The part of the document that answers hold."""


@dataclass(frozen=True, slots=True)
class BulkItem:
    """A write within a bulk request: its two lines, and what reads the answer to them."""

    counter_id: str
    action: dict[str, Any]
    content: dict[str, Any]
    read: Reader


@dataclass(frozen=True, slots=True)
class Script:
    """The increment as Elasticsearch runs it; ``retry_on_conflict`` is how often it repeats it, from 0."""

    source: str
    retry_on_conflict: int

    @classmethod
    def load(cls, *, retry_on_conflict: int) -> "Script":
        """Return the script of increment.painless."""
        painless = files("service.storage.painless").joinpath("increment.painless")
        return cls(painless.read_text("utf-8"), retry_on_conflict)

    def request(self, increment: Increment) -> dict[str, Any]:
        """Return the body of an update: the increment, on a document with value 0 if there is none.

        The text stays the same and the numbers are params, or each amount would be compiled anew.
        """
        return {
            "script": {"source": self.source, "params": {"by": increment.by}},
            "upsert": document(increment.counter_id, 0),
            "scripted_upsert": True,
        }

    def item(self, increment: Increment) -> BulkItem:
        """Return the same as an item of a bulk request."""
        counter_id = increment.counter_id
        return BulkItem(
            counter_id,
            {"update": {"_id": counter_id, "retry_on_conflict": self.retry_on_conflict}},
            {**self.request(increment), "_source": VALUE},
            partial(counter_updated, counter_id),
        )


def document(counter_id: str, value: int) -> dict[str, Any]:
    """Return the document of a counter."""
    return {"id": counter_id, "value": value}


def unchanged_since(seen: Counter) -> dict[str, Any]:
    """Return the condition of a write that must find the counter as it was seen, or still absent."""
    if seen.revision is None:
        return {"op_type": "create"}
    return {"if_seq_no": seen.revision.seq_no, "if_primary_term": seen.revision.primary_term}


def index_item(seen: Counter, value: int, condition: dict[str, Any]) -> BulkItem | CounterError:
    """Return the item that sets a counter under a condition, or why there can be none."""
    if not is_counter_value(value):
        return CounterOverflow(seen.id)
    return BulkItem(
        seen.id,
        {"index": {"_id": seen.id, **condition}},
        document(seen.id, value),
        partial(counter_indexed, seen.id, value),
    )

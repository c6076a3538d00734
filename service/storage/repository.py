"""Counters in Elasticsearch, each call made the way that a careful writer makes it.

Writes go through an alias that must be there (``require_alias``): Elasticsearch would otherwise create an index
that somebody deleted, and every counter would silently start again at 0. No write asks for a refresh, which only
searches need; a read by id is realtime and sees every acknowledged write without one.
"""

import builtins
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any, Final, Self, TypeVar

from elasticsearch import Elasticsearch, NotFoundError

from service import deadlines
from service.counters import Applied, Counter, Increment, Revision, Snapshot
from service.errors import CounterError
from service.settings import Settings
from service.storage.answers import (
    confirm_deleted,
    counter_found,
    counter_shown,
    counters_found,
    counters_listed,
    increments_applied,
    items_written,
    revision_written,
)
from service.storage.index import check_index
from service.storage.outcomes import reading, writing
from service.storage.writes import SHOWN, STATE, VALUE, BulkItem, Script, document, index_item, unchanged

T = TypeVar("T")

SHARD_WAIT: Final = 0.8
"""The part of the client's patience that Elasticsearch may spend waiting for a shard, so as to answer in time."""

BATCH_ENTRIES: Final = 100_000
"""How many operations the counters of one call may remember together: some 6 MB of JSON, and 50 MB in Python."""

PROBE_ID: Final = "_probe"
"""A document that never is: no counter may be called that."""


def batch_of(log_limit: int) -> int:
    """Return as many counters as remember `BATCH_ENTRIES` operations if each remembers all that it may."""
    return max(1, BATCH_ENTRIES // log_limit)


class ElasticsearchCounters:
    """The `CounterRepository` on an index made by `service.storage.index.create_index`.

    Args:
        client: From `service.storage.client.connect`: it must not repeat requests by itself.
        alias: Of the index.
        timeout: Seconds that ``client`` waits for an answer.
        script: The increment as Elasticsearch runs it.
        now: Tells seconds since 1970.
    """

    def __init__(
        self,
        client: Elasticsearch,
        *,
        alias: str,
        timeout: float,
        script: Script,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._alias = alias
        self._timeout = timeout
        self._script = script
        self._log_limit = script.log_limit
        self._now = now

    @classmethod
    def of(cls, client: Elasticsearch, settings: Settings) -> Self:
        """Return the counters that a service with these settings keeps, by the client that it has."""
        script = Script.load(
            retry_on_conflict=settings.scripted_retry_on_conflict, log_limit=settings.idempotency_log_size
        )
        return cls(
            client, alias=settings.counters_alias, timeout=settings.elasticsearch_timeout, script=script
        )

    @property
    def _shard_wait(self) -> str:
        """How long Elasticsearch may wait for a shard in a call that begins now."""
        return f"{round(min(self._timeout, deadlines.remaining()) * SHARD_WAIT * 1000)}ms"

    @property
    def batch(self) -> int:
        """As `batch_of` has it."""
        return batch_of(self._log_limit)

    def read(self, counter_id: str) -> Counter:
        """Read a counter by a realtime GET."""
        return counter_found(counter_id, self._get(counter_id, STATE), self._log_limit)

    def peek(self, counter_id: str) -> Snapshot | None:
        """Read the value alone likewise: what a counter remembers may be a thousand times as long."""
        return counter_shown(counter_id, self._get(counter_id, SHOWN))

    def overwrite(self, counter: Counter) -> Revision:
        """Index the document, unconditionally."""
        return self._index(counter, {})

    def compare_and_set(self, counter: Counter) -> Revision:
        """Index the document under the sequence number and primary term that were seen."""
        return self._index(counter, unchanged(counter))

    def add(self, increment: Increment) -> Applied:
        """Run the script on the shard, on a document with value 0 if there is none."""
        request = self._script.request([increment])
        with writing(increment.counter_id):
            answer = self._client.update(
                index=self._alias,
                id=increment.counter_id,
                body=request,
                retry_on_conflict=self._script.retry_on_conflict,
                require_alias=True,
                timeout=self._shard_wait,
            )
        [applied] = increments_applied([increment], answer.body)
        if isinstance(applied, CounterError):
            raise applied
        return applied

    def read_each(self, counter_ids: Sequence[str]) -> list[Counter | CounterError]:
        """Read counters by one realtime multi-get."""
        if not counter_ids:
            return []
        try:
            with reading():
                answer = self._client.mget(index=self._alias, ids=counter_ids, source_includes=STATE)
        except CounterError as error:
            return [error] * len(counter_ids)
        return counters_found(counter_ids, answer.body, self._log_limit)

    def overwrite_each(self, counters: Sequence[Counter]) -> list[Revision | CounterError]:
        """Index the documents in one bulk request, unconditionally."""
        return self._bulk([index_item(counter, {}, now=self._now()) for counter in counters])

    def compare_and_set_each(self, counters: Sequence[Counter]) -> list[Revision | CounterError]:
        """Index the documents in one bulk request, each under what was seen of it."""
        return self._bulk([index_item(counter, unchanged(counter), now=self._now()) for counter in counters])

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """Run the script on each counter in one bulk request."""
        by_counter: defaultdict[str, list[Increment]] = defaultdict(list)
        for increment in increments:
            by_counter[increment.counter_id].append(increment)
        outcomes = self._bulk([self._script.item(together) for together in by_counter.values()])
        told = {
            counter_id: repeat(outcome) if isinstance(outcome, CounterError) else iter(outcome)
            for counter_id, outcome in zip(by_counter, outcomes, strict=True)
        }
        return [next(told[increment.counter_id]) for increment in increments]

    def delete(self, counter: Counter) -> None:
        """Delete the document under its sequence number and primary term, or leave only its log in it."""
        if not counter.log.is_empty:
            self._index(replace(counter, value=0, exists=False), unchanged(counter))
            return
        with writing(counter.id):
            answer = self._client.delete(
                index=self._alias,
                id=counter.id,
                **unchanged(counter),
                timeout=self._shard_wait,
            )
        confirm_deleted(answer.body)

    def list(self, *, prefix: str, after: str, limit: int) -> builtins.list[Snapshot]:
        """Search by id; results lag behind writes by the index's refresh interval."""
        with reading():
            answer = self._client.search(
                index=self._alias,
                query={"bool": {"filter": [{"prefix": {"id": prefix}}, {"exists": {"field": "value"}}]}},
                sort=[{"id": "asc"}],
                search_after=[after],
                size=limit,
                source=VALUE,
                seq_no_primary_term=True,
                track_total_hits=False,
                allow_partial_search_results=False,
            )
        return counters_listed(answer.body)

    def check(self) -> None:
        """Ask for the mapping, then for a document from the shard."""
        check_index(self._client, self._alias)
        self.peek(PROBE_ID)

    def _get(self, counter_id: str, parts: Sequence[str]) -> Any:
        with reading():
            try:
                return self._client.get(index=self._alias, id=counter_id, source_includes=parts).body
            except NotFoundError as error:
                # The same status says that the index is gone, or comes from a balancer that has no backend. Neither
                # must pass for a counter at 0.
                if isinstance(error.body, dict) and "error" in error.body:
                    raise
                return error.body

    def _index(self, counter: Counter, condition: dict[str, Any]) -> Revision:
        with writing(counter.id):
            answer = self._client.index(
                index=self._alias,
                id=counter.id,
                document=document(counter, now=self._now()),
                require_alias=True,
                timeout=self._shard_wait,
                **condition,
            )
        return revision_written(answer.body)

    def _bulk(self, items: Sequence[BulkItem[T]]) -> builtins.list[T | CounterError]:
        if not items:
            return []
        try:
            with writing():
                answer = self._client.bulk(
                    index=self._alias,
                    operations=[part for item in items for part in (item.action, item.content)],
                    require_alias=True,
                    timeout=self._shard_wait,
                )
        except CounterError as error:
            return [error] * len(items)
        return items_written([(item.counter_id, item.read) for item in items], answer.body)

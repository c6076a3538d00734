"""Counters in Elasticsearch, each call made the way that a careful writer makes it.

Writes go through an alias that must be there (``require_alias``): Elasticsearch would otherwise create an index
that somebody deleted, and every counter would silently start again at 0. No write asks for a refresh, which only
searches need; a read by id is realtime and sees every acknowledged write without one.
"""

import builtins
from collections.abc import Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError

from service.counters import Counter, Increment, Revision, is_counter_value
from service.errors import CounterError, CounterOverflow
from service.storage.answers import (
    confirm_deleted,
    counter_found,
    counter_indexed,
    counter_updated,
    counters_found,
    counters_listed,
    counters_written,
)
from service.storage.index import check_index
from service.storage.outcomes import reading, writing
from service.storage.protocol import Result
from service.storage.writes import VALUE, BulkItem, Script, document, index_item, unchanged_since

SHARD_WAIT: Final = 0.8
"""The part of the client's patience that Elasticsearch may spend waiting for a shard, so as to answer in time."""

PROBE_ID: Final = "_probe"
"""A document that never is: no counter may be called that."""


class ElasticsearchCounters:
    """The `CounterRepository` on an index made by `service.storage.index.create_index`.

    Args:
        client: From `service.storage.client.connect`: it must not repeat requests by itself.
        alias: Of the index.
        timeout: Seconds that ``client`` waits for an answer.
        retry_on_conflict: How often Elasticsearch itself repeats a script that met another writer, from 0.
    """

    def __init__(self, client: Elasticsearch, *, alias: str, timeout: float, retry_on_conflict: int) -> None:
        self._client = client
        self._alias = alias
        self._shard_wait = f"{round(timeout * SHARD_WAIT * 1000)}ms"
        self._script = Script.load(retry_on_conflict=retry_on_conflict)

    def read(self, counter_id: str) -> Counter:
        """Read a counter by a realtime GET."""
        with reading():
            try:
                answer = self._client.get(index=self._alias, id=counter_id, source_includes="value")
            except NotFoundError as error:
                # The same status says that the index is gone, or comes from a balancer that has no backend. Neither
                # must pass for a counter at 0.
                if isinstance(error.body, dict) and "error" in error.body:
                    raise
                return counter_found(counter_id, error.body)
        return counter_found(counter_id, answer.body)

    def overwrite(self, seen: Counter, value: int) -> Counter:
        """Index the document, unconditionally."""
        return self._index(seen, value, {})

    def compare_and_set(self, seen: Counter, value: int) -> Counter:
        """Index the document under the sequence number and primary term that were seen."""
        return self._index(seen, value, unchanged_since(seen))

    def add(self, increment: Increment) -> Counter:
        """Run the script on the shard, on a document with value 0 if there is none."""
        with writing(increment.counter_id):
            answer = self._client.update(
                index=self._alias,
                id=increment.counter_id,
                **self._script.request(increment),
                source=VALUE,
                retry_on_conflict=self._script.retry_on_conflict,
                require_alias=True,
                timeout=self._shard_wait,
            )
        return counter_updated(increment.counter_id, answer.body)

    def read_each(self, counter_ids: Sequence[str]) -> list[Result]:
        """Read counters by one realtime multi-get."""
        if not counter_ids:
            return []
        try:
            with reading():
                answer = self._client.mget(index=self._alias, ids=counter_ids, source_includes="value")
        except CounterError as error:
            return [error] * len(counter_ids)
        return counters_found(counter_ids, answer.body)

    def overwrite_each(self, counters: Sequence[tuple[Counter, int]]) -> list[Result]:
        """Index the documents in one bulk request, unconditionally."""
        return self._bulk([index_item(seen, value, {}) for seen, value in counters])

    def compare_and_set_each(self, counters: Sequence[tuple[Counter, int]]) -> list[Result]:
        """Index the documents in one bulk request, each under what was seen of it."""
        return self._bulk([index_item(seen, value, unchanged_since(seen)) for seen, value in counters])

    def add_each(self, increments: Sequence[Increment]) -> list[Result]:
        """Run the script for each in one bulk request."""
        return self._bulk([self._script.item(increment) for increment in increments])

    def delete(self, counter_id: str, revision: Revision) -> None:
        """Delete the document under its sequence number and primary term."""
        with writing(counter_id):
            answer = self._client.delete(
                index=self._alias,
                id=counter_id,
                if_seq_no=revision.seq_no,
                if_primary_term=revision.primary_term,
                timeout=self._shard_wait,
            )
        confirm_deleted(answer.body)

    def list(self, *, prefix: str, after: str, limit: int) -> builtins.list[Counter]:
        """Search by id; results lag behind writes by the index's refresh interval."""
        with reading():
            answer = self._client.search(
                index=self._alias,
                query={"prefix": {"id": prefix}},
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
        self.read(PROBE_ID)

    def _index(self, seen: Counter, value: int, condition: dict[str, Any]) -> Counter:
        if not is_counter_value(value):
            raise CounterOverflow(seen.id)
        with writing(seen.id):
            answer = self._client.index(
                index=self._alias,
                id=seen.id,
                document=document(seen.id, value),
                require_alias=True,
                timeout=self._shard_wait,
                **condition,
            )
        return counter_indexed(seen.id, value, answer.body)

    def _bulk(self, items: Sequence[BulkItem | CounterError]) -> builtins.list[Result]:
        """Send what can be sent in one request; an item that is an error already stays what it is."""
        sent = [item for item in items if isinstance(item, BulkItem)]
        if not sent:
            return [item for item in items if isinstance(item, CounterError)]
        try:
            with writing():
                answer = self._client.bulk(
                    index=self._alias,
                    operations=[part for item in sent for part in (item.action, item.content)],
                    require_alias=True,
                    timeout=self._shard_wait,
                )
            written = counters_written([(item.counter_id, item.read) for item in sent], answer.body)
        except CounterError as error:
            written = [error] * len(sent)
        in_order = iter(written)
        return [next(in_order) if isinstance(item, BulkItem) else item for item in items]

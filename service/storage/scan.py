"""All counters as of one moment, deleted ones that are still remembered among them.

Source: https://www.elastic.co/docs/reference/elasticsearch/rest-apis/paginate-search-results#search-after
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from elasticsearch import AuthorizationException, Elasticsearch, NotFoundError

from service.counters import Counter
from service.errors import CounterError, StorageUnavailable
from service.storage.answers import counters_scanned, point_in_time
from service.storage.outcomes import reading, writing
from service.storage.repository import PROBE_ID, batch_of
from service.storage.writes import STATE

KEEP_ALIVE: Final = "5m"
"""How long Elasticsearch keeps the moment from one page to the next."""

LARGEST: Final = 10_000
"""Hits of a page, at most: ``index.max_result_window``, unless an index has another."""


class Scan:
    """The counters behind an alias as they were when this was made, to be gone through once.

    Everything that was acknowledged before it was made is in it. A page has as many as ``log_limit``, the
    operations that each may remember, allows; how many counters there are is known from the first one on.

    Raises:
        StorageUnavailable: Elasticsearch did not answer, or refuses what this takes: to read, and to refresh the
            index or to write to it.
    """

    def __init__(self, client: Elasticsearch, alias: str, *, log_limit: int) -> None:
        self._client = client
        self._log_limit = log_limit
        make_visible(client, alias)
        with reading():
            self._moment = point_in_time(client.open_point_in_time(index=alias, keep_alive=KEEP_ALIVE).body)
        self._total, self._first = self._page([])

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[Counter]:
        """Yield the counters by id.

        Raises:
            StorageUnavailable: Elasticsearch did not answer, or with fewer counters than it had counted.
        """
        page, seen = self._first, 0
        try:
            while page:
                yield from page
                seen += len(page)
                _, page = self._page([page[-1].id])
        finally:
            # If that fails, the moment goes by itself.
            with suppress(CounterError), reading():
                self._client.close_point_in_time(id=self._moment)
        if seen != self._total:
            raise StorageUnavailable(f"Elasticsearch counted {self._total} counters, and gave {seen}.")

    def _page(self, after: list[str]) -> tuple[int, list[Counter]]:
        further: dict[str, Any] = {"search_after": after} if after else {}
        with reading():
            answer = self._client.search(
                pit={"id": self._moment, "keep_alive": KEEP_ALIVE},
                sort=[{"id": "asc"}],
                size=min(LARGEST, batch_of(self._log_limit)),
                source_includes=STATE,
                seq_no_primary_term=True,
                track_total_hits=True,
                allow_partial_search_results=False,
                **further,
            )
        return counters_scanned(answer.body, self._log_limit)


def make_visible(client: Elasticsearch, alias: str) -> None:
    """Have searches find everything that was acknowledged so far, which they otherwise do a second later.

    To refresh takes the privilege `maintenance`, which the service has not; but who may write may ask that a write
    be followed by a refresh, and to delete a document that never is changes nothing.

    Raises:
        StorageUnavailable: Elasticsearch did neither.
    """
    with writing():
        try:
            client.indices.refresh(index=alias)
        except AuthorizationException:
            try:
                client.delete(index=alias, id=PROBE_ID, refresh=True)
            except NotFoundError as error:
                # The same status says that the index is gone.
                if isinstance(error.body, dict) and error.body.get("result") == "not_found":
                    return
                raise

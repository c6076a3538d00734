"""Calls to Elasticsearch, counted and timed."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from elastic_transport import TransportApiResponse, TransportError

from service import deadlines, metrics
from service.storage.bounded import BoundedTransport

OPERATIONS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("GET", "_doc"): "get",
        ("PUT", "_doc"): "index",
        ("DELETE", "_doc"): "delete",
        ("POST", "_update"): "update",
        ("PUT", "_bulk"): "bulk",
        ("POST", "_bulk"): "bulk",
        ("POST", "_mget"): "mget",
        ("POST", "_search"): "search",
    }
)
"""What the service does to counters, by the method and the part of the path behind the index."""

NO_ANSWER: Final = "none"
TOO_LATE: Final = "late"
"""In place of a status: the time of whoever asked was up before there was an answer."""


class ObservedTransport(BoundedTransport):
    """Tells the metrics of every call that was begun."""

    def perform_request(self, method: str, target: str, **options: Any) -> TransportApiResponse:
        """Send a call, and note how long it took and how it was answered.

        Raises:
            TransportError, OutOfTime: As `BoundedTransport` does.
        """
        began = time.perf_counter()
        try:
            response = super().perform_request(method, target, **options)
        except TransportError:
            # Who waits for less than Elasticsearch may take does not make it one that fails.
            status = NO_ANSWER if deadlines.remaining() else TOO_LATE
            metrics.called(_operation(method, target), status, time.perf_counter() - began)
            raise
        metrics.called(_operation(method, target), response.meta.status, time.perf_counter() - began)
        return response


def _operation(method: str, target: str) -> str:
    """Return what is asked of Elasticsearch; what concerns the index, or removes old logs, is "other"."""
    _, _, behind_index = target.partition("?")[0].lstrip("/").partition("/")
    return OPERATIONS.get((method, behind_index.partition("/")[0]), "other")

"""Calls to Elasticsearch, counted and timed."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from elastic_transport import TransportApiResponse

from service import metrics
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


class ObservedTransport(BoundedTransport):
    """Tells the metrics of every call that was begun."""

    def perform_request(self, method: str, target: str, **options: Any) -> TransportApiResponse:
        """Send a call, and note how long it took and how it was answered.

        Raises:
            TransportError, OutOfTime: As `BoundedTransport` does.
        """
        began = time.perf_counter()
        status = None
        try:
            response = super().perform_request(method, target, **options)
            status = response.meta.status
        finally:
            metrics.called(_operation(method, target), status, time.perf_counter() - began)
        return response


def _operation(method: str, target: str) -> str:
    """Return what is asked of Elasticsearch; what concerns the index, or removes old logs, is "other"."""
    _, _, behind_index = target.partition("?")[0].lstrip("/").partition("/")
    return OPERATIONS.get((method, behind_index.partition("/")[0]), "other")

"""Services that a test starts for itself."""

from collections.abc import Callable, Mapping
from typing import Final

from localnode.serving import Service

Start = Callable[[Mapping[str, str]], Service]
"""Starts a service with these settings, besides those that lead it to Elasticsearch through the proxy."""

IMPATIENT: Final = {
    "ELASTICSEARCH_TIMEOUT": "2",
    "CONFLICT_MAX_ATTEMPTS": "10",
    "CONFLICT_BACKOFF_CAP": "0.01",
}
"""The settings of a service that soon gives up, where tests have it fail."""

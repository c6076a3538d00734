"""Services that a test starts for itself."""

from collections.abc import Callable, Mapping

from localnode.serving import Service

Start = Callable[[Mapping[str, str]], Service]
"""Starts a service with these settings, besides those that lead it to Elasticsearch through the proxy."""

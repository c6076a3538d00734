"""The service with its counters in memory: what its own HTTP path costs, without any storage.

The fake of the unit tests serves, because the tests hold it to the same contract as Elasticsearch.
"""

from flask import Flask

from service import create_app
from tests.fakes import InMemoryCounters


def app() -> Flask:
    """Return the service."""
    return create_app(repository=InMemoryCounters())

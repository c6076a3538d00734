"""What the tests with real nodes share."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from localnode import Cluster


class Caller:
    """Calls a cluster's API as its superuser, over verified TLS where it is secured."""

    def __init__(self, cluster: Cluster, *, password: str | None = None) -> None:
        secured = cluster.ca_certs is not None
        login = f"{cluster.username}:{password or cluster.password}"
        self._pool = urllib3.PoolManager(
            ca_certs=str(cluster.ca_certs) if secured else None,
            headers=urllib3.make_headers(basic_auth=login) if secured else None,
            retries=False,
            timeout=60.0,
        )

    def status(self, url: str) -> int:
        """Return the status that GET answers with."""
        return self._pool.request("GET", url).status

    def get(self, url: str) -> Any:
        """Return the JSON at an address."""
        return self._checked(self._pool.request("GET", url))

    def put(self, url: str, body: object) -> Any:
        """Put JSON to an address, and return the answer."""
        return self._checked(self._pool.request("PUT", url, json=body))

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    @staticmethod
    def _checked(answer: urllib3.BaseHTTPResponse) -> Any:
        assert answer.status in (200, 201), answer.data
        return json.loads(answer.data)


@pytest.fixture
def caller(cluster: Cluster) -> Iterator[Caller]:
    """A caller of the module's cluster."""
    caller = Caller(cluster)
    yield caller
    caller.close()

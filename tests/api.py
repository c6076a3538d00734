"""The service as its callers see it."""

from typing import Any

import requests


class Api(requests.Session):
    """A session whose paths are relative to the service, and none of whose requests waits forever."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request to a path of the service."""
        return super().request(method, f"{self.base}{url!s}", *args, **{"timeout": 60.0, **kwargs})

    def value_of(self, counter_id: str) -> int:
        """Read a counter that must be there."""
        answer = self.get(f"/counters/{counter_id}")
        answer.raise_for_status()
        value = answer.json()["value"]
        assert isinstance(value, int)
        return value

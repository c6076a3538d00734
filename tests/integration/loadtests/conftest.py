"""What several tests of the load test need."""

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The URL of a service that isn't there: its port is held, and so nobody else's, but not listened on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"

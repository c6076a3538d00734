"""Ports that are free, and stay so while a node restarts."""

import socket

import pytest

from localnode import ports
from localnode.errors import LocalNodeError


def test_chooses_different_ports_below_the_ephemeral_ones() -> None:
    """All ports differ, and none is one that the system gives to an outgoing connection."""
    http, transport = ports.choose(3)

    chosen = {*http, *transport}
    assert 6 == len(chosen)
    assert max(chosen) < 32_768


@pytest.fixture
def lingering_port() -> int:
    """A port that a server had a moment ago: the system gives it to nobody while its last connection lingers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as client:
            listener.accept()[0].close()  # the end that closes first is the one that lingers
            client.recv(1)
    return int(address[1])


def test_takes_the_first_port_that_is_asked_for(lingering_port: int) -> None:
    """A given port is the first node's, also right after another has used it."""
    http, _ = ports.choose(1, first=lingering_port)

    assert (lingering_port,) == http


def test_refuses_a_port_that_is_taken() -> None:
    """A port that something listens on is an error that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(
            LocalNodeError, match=f"Port {port} on 127.0.0.1 cannot be used .* another --port"
        ):
            ports.choose(1, first=port)


def test_refuses_a_port_beyond_the_last() -> None:
    """Three nodes from port 65535 on do not exist."""
    with pytest.raises(LocalNodeError, match="Port 65536"):
        ports.choose(3, first=65_535)

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


def test_takes_the_first_port_that_is_asked_for() -> None:
    """A given port is the first node's, and the next numbers are the others'."""
    (first, *_), _ = ports.choose(1)

    http, _ = ports.choose(1, first=first)

    assert (first,) == http


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

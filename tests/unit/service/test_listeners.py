"""Listeners that let nobody in, and those whom they let in before."""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.server.listeners import let_everybody_in, let_nobody_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux filters packets for a listener.")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_only_newcomers_are_kept_out(family: socket.AddressFamily, host: str) -> None:
    """Who is connected already is accepted and heard; who comes later is ignored until the listener is opened again."""
    with socket.create_server((host, 0), family=family) as listener:
        address = listener.getsockname()[:2]
        with socket.create_connection(address, timeout=30) as early:
            let_nobody_in([listener])
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.2)
            early.sendall(b"a")
            accepted, _ = listener.accept()
            with accepted:
                heard = accepted.recv(1)
                accepted.sendall(b"b")
                answered = early.recv(1)
            let_everybody_in([listener])
            socket.create_connection(address, timeout=30).close()

    assert (b"a", b"b") == (heard, answered)


def test_who_is_ignored_is_refused_in_the_end() -> None:
    """A connection that was asked for in vain is refused once the listener is closed, not left to time out."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        let_nobody_in([listener])
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.2)
        asked = pool.submit(socket.create_connection, listener.getsockname(), 30)
        listener.close()

        with pytest.raises(ConnectionRefusedError):
            asked.result()


def test_what_is_no_network_is_left_alone() -> None:
    """A listener that packets do not come to is none to filter."""
    one, other = socket.socketpair()
    with one, other:
        let_nobody_in([one])
        other.sendall(b"a")

        assert b"a" == one.recv(1)

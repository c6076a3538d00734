"""Calls to Elasticsearch that end in time, whatever the network and the other side do.

The time-outs of an HTTP client bound each wait on a socket: a reply that trickles byte by byte, or a name with
several dead addresses, outlasts them. Here every step of a call asks `service.deadlines` what is left of the whole.
"""

import socket
import ssl
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

from elastic_transport import NodeConfig, Transport, TransportApiResponse, TransportError, Urllib3HttpNode
from urllib3 import Timeout
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from service import deadlines
from service.errors import OutOfTime

NEVER_CONNECTED: Final = (NewConnectionError, ConnectTimeoutError)
"""What is raised before the first byte of a request is sent; `BoundedConnection` sees to it."""

LOOKING_UP: Final = threading.BoundedSemaphore(32)
"""How many names may be looked up at a time, by threads that wait for the system, whose time-outs are its own."""


def _left() -> float:
    """Return the seconds that are left, for a socket: to one, 0 would mean not to wait but to try."""
    left = deadlines.remaining()
    if not left:
        raise TimeoutError("The time for the call is used up.")
    return left


class BoundedSocket(socket.socket):
    """A socket none of whose waits goes beyond the deadline; Python bounds a ``sendall`` as a whole."""

    def sendall(self, *args: Any) -> None:
        """Send everything, in time."""
        self.settimeout(_left())
        super().sendall(*args)

    def recv_into(self, *args: Any) -> int:
        """Receive something, in time."""
        self.settimeout(_left())
        return super().recv_into(*args)


class BoundedTlsSocket(ssl.SSLSocket):
    """The same with TLS, where ``sendall`` is many times ``send``."""

    def send(self, *args: Any) -> int:
        """Send something, in time."""
        self.settimeout(_left())
        return super().send(*args)

    def recv_into(self, *args: Any) -> int:
        """Receive something, in time."""
        self.settimeout(_left())
        return super().recv_into(*args)


class BoundedConnection(HTTPConnection):
    """Connects in time, and raises one of `NEVER_CONNECTED` where it does not, TLS included."""

    def connect(self) -> None:
        """Connect, and agree on TLS where it is spoken."""
        try:
            super().connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} did not answer in time.") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} did not agree to a connection: {error}") from error

    def _new_conn(self) -> socket.socket:
        """Connect to one of the addresses of the host, each of which has an equal share of the time."""
        end = time.monotonic() + (self.timeout or 0.0)
        addresses = self._addresses(self.timeout or 0.0)
        while True:
            family, address = addresses.pop(0)
            share = (end - time.monotonic()) / (len(addresses) + 1)
            try:
                return self._connected(family, address, share)
            except OSError:
                if not addresses:
                    raise

    def _addresses(self, seconds: float) -> list[tuple[int, Any]]:
        """Look the host up, in time: a resolver that has no answer by then goes on without anybody waiting for it."""
        looked_up: Future[list[tuple[int, Any]]] = Future()

        def look_up() -> None:
            try:
                found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
                looked_up.set_result([(family, address) for family, _, _, _, address in found])
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                looked_up.set_exception(error)
            finally:
                LOOKING_UP.release()

        end = time.monotonic() + seconds
        if not LOOKING_UP.acquire(timeout=seconds):
            raise TimeoutError("Other names are being looked up.")
        threading.Thread(target=look_up, name="looking up a name", daemon=True).start()
        try:
            return looked_up.result(max(0.0, end - time.monotonic()))
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(*error.args)) from error

    def _connected(self, family: int, address: Any, seconds: float) -> socket.socket:
        connected = BoundedSocket(family, socket.SOCK_STREAM)
        try:
            for option in self.socket_options or ():
                connected.setsockopt(*option)
            connected.settimeout(max(seconds, 0.001))
            connected.connect(address)
            connected.settimeout(_left())  # for the handshake, where one follows
        except OSError:
            connected.close()
            raise
        return connected


class BoundedNode(Urllib3HttpNode):
    """A node of Elasticsearch whose connections are bounded, and whose pool of them lends or makes one at once."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        # A pool that blocks would do so without a limit; this one has no more connections out than there are threads.
        self.pool.block = False
        if config.scheme == "https":
            self.pool.conn_kw["ssl_context"].sslsocket_class = BoundedTlsSocket
        # Over whichever class the pool has: elastic_transport brings one of its own for TLS.
        bases = (BoundedConnection, self.pool.ConnectionCls)
        self.pool.ConnectionCls = type("BoundedConnection", bases, {})


class BoundedTransport(Transport):
    """Sends a call once, within its time; to the next node only if it never reached the one before.

    A node that cannot be connected to has applied nothing, so another may be asked at once.
    """

    def __init__(self, node_configs: Sequence[NodeConfig], **options: Any) -> None:
        super().__init__(list(node_configs), **options)
        self._patience = min(config.request_timeout or 0.0 for config in node_configs)

    def perform_request(self, *args: Any, **options: Any) -> TransportApiResponse:
        """Send a call and return the answer, whatever its status.

        Raises:
            TransportError: There is no answer, or no whole one.
            OutOfTime: There was no time to begin; nothing was sent.
        """
        with deadlines.within(self._patience):
            for others in range(len(self.node_pool) - 1, 0, -1):
                try:
                    return self._send(others, *args, **options)
                except TransportError as error:
                    if not isinstance(error.__cause__, NEVER_CONNECTED):
                        raise
            return self._send(0, *args, **options)

    def _send(self, others: int, *args: Any, **options: Any) -> TransportApiResponse:
        """Send to one node, to connect to which may take no more than its share of the time with the ``others``."""
        left = deadlines.remaining()
        if not left:
            raise OutOfTime
        options["request_timeout"] = Timeout(connect=left / (others + 1), read=left)
        return super().perform_request(*args, **options)

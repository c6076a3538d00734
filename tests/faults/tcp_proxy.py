"""A TCP proxy that knows where an HTTP exchange begins and ends, and what became of it is up to the test.

It stands between the service and Elasticsearch, or between a caller and the service, and passes bytes on as they are:
no header is parsed anew or added, so a reply can be cut after any of its bytes, reset, held back, or never given.
Everything is decided in the thread of the connection by ``handle``; no test has to wait for luck.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Final, Self
from urllib.parse import urlsplit

from tests.faults.framing import read_reply, read_request
from tests.proxy import WRITES

SECONDS: Final = 60.0
"""How long the proxy waits for Elasticsearch before it gives the connection up."""

FULL: Final = 8
"""More connections than a queue of no length holds."""

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER, on and with 0 seconds: to close sends a RST in place of a FIN."""


class Exchange:
    """A request on its way, and the reply on its way back.

    Attributes:
        request: The request, as bytes.
        reply: The reply, as bytes; empty until it has been asked for.
    """

    def __init__(self, request: bytes, caller: socket.socket, target: "_Target") -> None:
        self.request = request
        self.reply = b""
        self.is_over = False
        self._caller = caller
        self._target = target
        method, path = request.split(b" ", 2)[:2]
        self.method = method.decode()
        self.path = urlsplit(path.decode()).path

    @property
    def is_write(self) -> bool:
        """Whether it writes documents to Elasticsearch."""
        return self.method in ("PUT", "POST", "DELETE") and any(part in self.path for part in WRITES)

    @property
    def is_read(self) -> bool:
        """Whether it gets one document of Elasticsearch or several."""
        return (self.method == "GET" and "/_doc/" in self.path) or self.path.endswith("/_mget")

    def forward(self) -> None:
        """Send the request on and take the whole reply. May be called again: the request is then sent again."""
        self.reply = self._target.ask(self.request)

    def give(self, data: bytes) -> None:
        """Send bytes to the caller, as a part of the answer or as all of it."""
        self._caller.sendall(data)

    def cut(self, after: int) -> None:
        """Send so many bytes of the reply and close the connection, as a process that ends in good order does."""
        self.give(self.reply[:after])
        self.close()

    def close(self) -> None:
        """End the connection without another byte."""
        self.is_over = True
        with contextlib.suppress(OSError):  # the caller may have gone
            self._caller.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Break the connection off, as a firewall or a machine that has lost its memory does."""
        self.is_over = True
        self._caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


Handler = Callable[[Exchange], None]
"""Decides about an exchange: what it leaves of the reply is sent, unless it has ended the connection."""


class TcpProxy:
    """What every exchange comes to is up to ``handle``, which is called in the thread of its connection.

    Attributes:
        url: Where it listens, without a slash at the end.
    """

    def __init__(self, target: str) -> None:
        address = urlsplit(target)
        self._target = (address.hostname or "", address.port or 80)
        self._lock = threading.Condition()
        self._under_way = 0
        self._connections: dict[socket.socket, threading.Thread] = {}
        # Held for as long as the proxy is there, listening or not, so that nobody else is given its port.
        self._place = _bound(0)
        self._port: int = self._place.getsockname()[1]
        self._listener: socket.socket | None = None
        self._acceptor = threading.Thread()
        self._hole = contextlib.ExitStack()
        self.url = f"http://127.0.0.1:{self._port}"
        self.reset()

    def reset(self) -> None:
        """Listen, and forward everything from now on."""
        self.handle: Handler = Exchange.forward
        self.accept()

    def accept(self) -> None:
        """Listen, unless it does."""
        self._hole.close()
        if self._listener is None:
            self._listener = _bound(self._port)
            self._listener.listen(256)
            self._acceptor = threading.Thread(target=self._serve, args=[self._listener], daemon=True)
            self._acceptor.start()

    def refuse(self) -> None:
        """Break all connections off and listen no more: who connects is refused."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._listener.close()
            self._listener = None
            self._acceptor.join()
        self.hang_up()

    def vanish(self) -> None:
        """Break all connections off, and answer nobody who connects: not even that nobody is there."""
        self.refuse()
        full = self._hole.enter_context(_bound(self._port))
        full.listen(0)
        # The kernel completes no connection that would not fit into the queue of those that nobody has accepted.
        for _ in range(FULL):
            waiting = self._hole.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(("127.0.0.1", self._port))

    def hang_up(self) -> None:
        """Break all connections off, and wait until their threads have ended; a handler may call this, too."""
        with self._lock:
            connections = dict(self._connections)
        for connection, thread in connections.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            if thread is not threading.current_thread():
                thread.join()

    def wait_until_idle(self) -> None:
        """Wait until every exchange is over, those included whose caller has given up: nothing comes late any more.

        Raises:
            TimeoutError: One is still not.
        """
        with self._lock:
            if not self._lock.wait_for(lambda: self._under_way == 0, SECONDS):
                raise TimeoutError(f"{self._under_way} exchanges are not over yet.")

    def close(self) -> None:
        """End everything."""
        self._hole.close()
        self.refuse()
        self._place.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:  # it has been closed
                return
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._relay, args=[caller], daemon=True)
            with self._lock:
                self._connections[caller] = thread
            thread.start()

    def _relay(self, caller: socket.socket) -> None:
        # Either side may break off at any moment, which ends the connection and nothing else.
        broken = contextlib.suppress(OSError, EOFError)
        with caller, _Target(self._target) as target, broken, caller.makefile("rb") as stream:
            while request := read_request(stream):
                with self._counted():
                    exchange = Exchange(request, caller, target)
                    self.handle(exchange)
                if exchange.is_over:
                    break
                exchange.give(exchange.reply)
        with self._lock:
            del self._connections[caller]

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._lock.notify_all()


class _Target:
    """The other side of a connection, connected to when it is first asked."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def ask(self, request: bytes) -> bytes:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        with self._socket.makefile("rb") as stream:
            return read_reply(stream, to=request)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


@contextlib.contextmanager
def tcp_proxy_to(target: str) -> Iterator[TcpProxy]:
    """Give a proxy to the service or the Elasticsearch at ``target`` on a free port of 127.0.0.1."""
    proxy = TcpProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()

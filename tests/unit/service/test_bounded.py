"""Calls to Elasticsearch end in time and are sent once. What stands for Elasticsearch are sockets of the test's own."""

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from elastic_transport.client_utils import url_to_node_config
from elasticsearch import Elasticsearch

from service import deadlines
from service.counters import Increment
from service.errors import Outcome, OutOfTime, StorageUnavailable
from service.settings import Settings
from service.storage.bounded import BoundedNode, BoundedTransport
from service.storage.client import connect
from service.storage.outcomes import writing
from service.storage.repository import ElasticsearchCounters
from service.storage.writes import Script
from tests.listening import listening

SHORT = 0.3
"""Seconds that a call may take here; what it waits for would last until the test has ended."""

BODY = b'{"result": "updated"}'
REPLY = (
    b"HTTP/1.1 200 OK\r\nX-Elastic-Product: Elasticsearch\r\nContent-Type: application/json\r\n"
    b"Content-Length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)


def answer(caller: socket.socket, _over: threading.Event) -> None:
    """Answer every request, once it is there as a whole: its head and its body may come one after the other."""
    with caller.makefile("rb") as requests:
        while requests.readline():
            headers = http.client.parse_headers(requests)
            requests.read(int(headers["Content-Length"]))
            caller.sendall(REPLY)


def say_nothing(_caller: socket.socket, over: threading.Event) -> None:
    """Take the connection and nothing else."""
    over.wait()


def client_of(*urls: str, timeout: float = 60.0, threads: int = 4) -> Elasticsearch:
    """Return the service's client of these nodes."""
    return connect(Settings(elasticsearch_url=urls, elasticsearch_timeout=timeout, threads=threads))


def write(client: Elasticsearch) -> None:
    """Write a document."""
    with writing():
        client.index(index="counters", id="a", document={"value": 1})


def outcome_of(client: Elasticsearch) -> Outcome:
    """Write a document and return what is known of it."""
    try:
        write(client)
    except StorageUnavailable as error:
        return error.outcome
    pytest.fail("The write was acknowledged.")


def dribble(caller: socket.socket, over: threading.Event) -> None:
    """Answer with a reply that goes on, byte by byte, and never ends."""
    caller.recv(65536)
    caller.sendall(REPLY.partition(b"Content-Length")[0] + b"X-Padding: ")
    while not over.wait(SHORT / 10):
        caller.sendall(b".")


def test_a_reply_that_trickles_ends_with_the_call() -> None:
    """Bytes that keep coming do not keep a call alive, and what it has written nobody knows."""
    with listening(dribble) as node:
        assert Outcome.UNKNOWN is outcome_of(client_of(node.url, timeout=SHORT))


def test_a_trickling_body_ends_with_the_call() -> None:
    """The same holds for what comes after the head."""

    def serve(caller: socket.socket, over: threading.Event) -> None:
        caller.recv(65536)
        caller.sendall(REPLY.replace(b"Content-Length: 21", b"Content-Length: 999999"))
        while not over.wait(SHORT / 10):
            caller.sendall(b" ")

    with listening(serve) as node:
        assert Outcome.UNKNOWN is outcome_of(client_of(node.url, timeout=SHORT))


def test_the_deadline_of_the_request_comes_first() -> None:
    """A call waits no longer than the caller does, however patient the service is with Elasticsearch."""
    with listening(dribble) as node:
        # Made before its time begins: there must be enough of that to connect.
        client = client_of(node.url)
        with (
            deadlines.within(2 * SHORT),
            pytest.raises(StorageUnavailable, match="The time for this request") as caught,
        ):
            write(client)

    assert Outcome.UNKNOWN is caught.value.outcome


def test_a_deadline_before_there_is_a_connection_leaves_no_doubt() -> None:
    """Nor is Elasticsearch blamed for it."""
    with black_hole() as url, deadlines.within(SHORT), pytest.raises(OutOfTime):
        write(client_of(url))


def test_without_time_nothing_is_sent() -> None:
    """A call that could not end in time is not begun, and so has changed nothing."""
    with listening(answer) as node:
        with deadlines.within(0), pytest.raises(OutOfTime):
            write(client_of(node.url))

        assert 0 == node.met


def test_a_peer_that_takes_nothing_ends_with_the_call() -> None:
    """Sending is bounded too: a peer may stop reading."""
    with listening(say_nothing) as node:
        client = client_of(node.url, timeout=1.0)
        with pytest.raises(StorageUnavailable) as caught, writing():
            client.index(index="counters", id="a", document={"value": "x" * 2**24})

    assert Outcome.UNKNOWN is caught.value.outcome


def test_a_host_that_takes_no_connection_has_changed_nothing() -> None:
    """To connect is bounded, and a write that waits for it was not sent."""
    with black_hole() as url:
        assert Outcome.NOT_APPLIED is outcome_of(client_of(url, timeout=SHORT))


def test_a_name_that_nobody_knows_yet_has_changed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look up where a node is ends in time, although the system's resolver may go on."""
    over = threading.Event()

    def look_up(*_args: object, **_options: object) -> list[object]:
        over.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    client = client_of("http://localhost:9200", timeout=SHORT)
    try:
        assert [Outcome.NOT_APPLIED] * 6 == [outcome_of(client) for _ in range(6)]
    finally:
        over.set()


def test_a_handshake_that_never_ends_has_changed_nothing() -> None:
    """Before TLS is agreed upon, nothing of a request is sent."""
    with listening(say_nothing) as node:
        client = client_of(node.url.replace("http", "https"), timeout=SHORT)

        assert Outcome.NOT_APPLIED is outcome_of(client)


def test_a_handshake_that_breaks_off_has_changed_nothing() -> None:
    """The same holds if the other side hangs up or speaks something else."""
    with listening(lambda caller, _over: caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as node:
        client = client_of(node.url.replace("http", "https"))

        assert Outcome.NOT_APPLIED is outcome_of(client)


def anonymous(side: int) -> ssl.SSLContext:
    """Return TLS without certificates, which only proves that bytes come and go encrypted."""
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
    return context


def test_a_trickling_reply_over_tls_ends_with_the_call() -> None:
    """TLS has sockets of its own, which are bounded as well."""

    def serve(caller: socket.socket, over: threading.Event) -> None:
        with anonymous(ssl.PROTOCOL_TLS_SERVER).wrap_socket(caller, server_side=True) as secured:
            dribble(secured, over)

    with listening(serve) as node:
        config = replace(
            url_to_node_config(node.url.replace("http", "https")),
            ssl_context=anonymous(ssl.PROTOCOL_TLS_CLIENT),
            verify_certs=False,
            ssl_show_warn=False,
            request_timeout=SHORT,
        )
        client = Elasticsearch(
            [config], max_retries=0, node_class=BoundedNode, transport_class=BoundedTransport
        )

        assert Outcome.UNKNOWN is outcome_of(client)


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """Give the address of a host that answers nobody who wants to connect."""
    # The kernel keeps one connection more than the backlog for who may yet accept it, and ignores all others.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            yield f"http://127.0.0.1:{port}"


def closed_port() -> str:
    """Return where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_node_that_is_down_costs_no_call() -> None:
    """A write that never reached one node goes to the next at once, whichever the client picks first."""
    with listening(answer) as node:
        client = client_of(closed_port(), closed_port(), node.url)
        for _ in range(6):
            write(client)

        assert 1 == node.met


def test_a_node_in_a_black_hole_leaves_time_for_the_next() -> None:
    """To connect may not use up what the other nodes would need."""
    with listening(answer) as node, black_hole() as url:
        client = client_of(url, node.url, timeout=1.0)
        for _ in range(2):
            write(client)

        assert 1 == node.met


def test_what_was_sent_goes_to_no_other_node() -> None:
    """Once a node may have applied a write, no other is asked for it."""
    sent: list[bytes] = []
    with (
        listening(lambda caller, _over: sent.append(caller.recv(65536))) as one,
        listening(lambda caller, _over: sent.append(caller.recv(65536))) as other,
    ):
        assert Outcome.UNKNOWN is outcome_of(client_of(one.url, other.url))
        assert 1 == len(sent)


def test_no_node_at_all_has_changed_nothing() -> None:
    """When every node refuses, the write was applied by none."""
    assert Outcome.NOT_APPLIED is outcome_of(client_of(closed_port(), closed_port()))


def test_a_node_that_comes_back_is_used_at_once() -> None:
    """However often the only node was down, the first call after its return is served."""
    with listening(answer) as node:
        client = client_of(node.url)
        write(client)
        port = node.port
    down = [outcome_of(client) for _ in range(5)]
    with listening(answer, port):
        write(client)

    # The first finds a connection from before, and cannot know how far it came on it.
    assert [Outcome.NOT_APPLIED] * 4 == down[1:]


def test_threads_do_not_wait_for_each_others_connections() -> None:
    """More calls than connections are kept are under way at a time."""
    together = threading.Barrier(3)

    def serve(caller: socket.socket, over: threading.Event) -> None:
        caller.recv(65536)
        together.wait(60)
        caller.sendall(REPLY)

    with listening(serve) as node, ThreadPoolExecutor(3) as pool:
        client = client_of(node.url, threads=1)
        writes = [pool.submit(write, client) for _ in range(3)]
        for written in writes:
            written.result()

        assert 3 == node.met


def test_elasticsearch_is_not_left_waiting_longer_than_its_caller() -> None:
    """How long Elasticsearch may wait for a shard that is missing depends on the time that is left."""
    heads: list[bytes] = []

    def serve(caller: socket.socket, _over: threading.Event) -> None:
        heads.append(caller.recv(65536).partition(b"\r\n")[0])

    with listening(serve) as node, deadlines.within(10), pytest.raises(StorageUnavailable):
        ElasticsearchCounters(
            client_of(node.url),
            alias="counters",
            timeout=60.0,
            script=Script.load(retry_on_conflict=0, log_limit=1),
        ).add(Increment("a"))
    [wait] = re.findall(rb"[?&]timeout=([0-9]+)ms", heads[0])

    assert 0 < int(wait) < 10_000

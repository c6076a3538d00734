"""Requests that are cut, overlong or ambiguous, and what becomes of the connection that brought them."""

import pytest

from tests.endpoints import ALL, SINGLES, Endpoint
from tests.problems import problem_in
from tests.wire import Answer, Wire, request

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
LIMIT = 256 * 1024

endpoints = pytest.mark.parametrize("endpoint", ALL.values(), ids=ALL)

CUT_CHUNKS = {
    "before the first": b"",
    "within a size": b"a",
    "behind a size": b"8\r\n",
    "within a chunk": b'8\r\n{"by"',
    "behind a chunk": b"2\r\n{}\r\n",
    "before the end of the last": b"2\r\n{}\r\n0\r\n",
}

BAD_CHUNKS = {
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "a size in words": b"two\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "a size with a prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a size that is too small": b"1\r\n{}\r\n0\r\n\r\n",
    "a line feed alone": b"2\n{}\n0\n\n",
}

NO_REQUESTS = {
    "two lengths of a body": ["Content-Length: 2", CHUNKED],
    "two lengths": ["Content-Length: 2", "Content-Length: 3"],
    "a list of lengths": ["Content-Length: 2, 2"],
    "a negative length": ["Content-Length: -2"],
    "a length with a sign": ["Content-Length: +2"],
    "a length in words": ["Content-Length: two"],
    "an unknown coding": ["Transfer-Encoding: rot13"],
    "a disguised coding": ["Transfer-Encoding: xchunked"],
    "a coding that is not the last": ["Transfer-Encoding: chunked, gzip"],
    "a coding twice": ["Transfer-Encoding: chunked, chunked"],
    "two content types": [JSON, JSON, "Content-Length: 2"],
    "a blank before the colon": ["Content-Length : 2"],
    "a folded header": ["X-Request-Id: a\r\n b", "Content-Length: 2"],
    "a line feed in a header": ["X-Request-Id: a\nContent-Length: 2"],
    "a carriage return in a header": ["X-Request-Id: a\rb", "Content-Length: 2"],
    "NUL in a header": ["X-Request-Id: a\0b", "Content-Length: 2"],
    "a control character in an entity tag": ['If-Match: "\x01"', "Content-Length: 2"],
    "a header without a name": [": a", "Content-Length: 2"],
    "a header of 10,000 characters": ["Idempotency-Key: " + "k" * 10_000, "Content-Length: 2"],
    "too many headers": [f"X-{number}: a" for number in range(200)],
}

NO_TARGETS = {
    "a letter as a bare byte": "/occ/\xe9",
    "a bare NUL": "/occ/a\0b",
    "a bare blank": "/occ/a b",
    "a bare tab": "/occ/a\tb",
    "a path of 8,000 characters": "/occ/" + "a" * 8000,
}


@endpoints
def test_does_not_take_a_cut_body_for_a_whole_one(wire: Wire, kept_counter: str, endpoint: Endpoint) -> None:
    """A body that ends before its Content-Length is a 400, be it well-formed so far, or empty, which would mean 1."""
    body = endpoint.body_with("1", kept_counter)

    problem_in(
        cut_off(wire, endpoint, kept_counter, f"Content-Length: {len(body) + 1}", body=body),
        400,
        "bad-request",
    )
    assert wire.is_over()


@endpoints
def test_does_not_take_a_lost_body_for_an_empty_one(
    wire: Wire, kept_counter: str, endpoint: Endpoint
) -> None:
    """A body of which nothing has arrived is a 400; an empty one would have meant 1."""
    problem_in(cut_off(wire, endpoint, kept_counter, "Content-Length: 9", body=b""), 400, "bad-request")
    assert wire.is_over()


@endpoints
@pytest.mark.parametrize("body", CUT_CHUNKS.values(), ids=CUT_CHUNKS)
def test_does_not_take_some_chunks_for_all(
    wire: Wire, kept_counter: str, endpoint: Endpoint, body: bytes
) -> None:
    """A chunked body that ends before its last chunk is a 400."""
    problem_in(cut_off(wire, endpoint, kept_counter, CHUNKED, body=body), 400, "bad-request")
    assert wire.is_over()


@endpoints
@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_refuses_malformed_chunks(wire: Wire, kept_counter: str, endpoint: Endpoint, body: bytes) -> None:
    """Chunks that cannot be told apart are a 400, and what comes behind them is not read."""
    wire.send(head(endpoint, kept_counter, CHUNKED) + body + request("/healthz", method="GET"))

    problem_in(wire.receive(), 400, "bad-request")
    assert wire.is_over()


UNREAD = {
    "no such path": ("POST", "/nowhere", 404),
    "no such method": ("POST", "/healthz", 405),
    "a probe": ("GET", "/healthz", 200),
    "a list": ("GET", "/counters", 200),
}
ODD_CHUNKS = {
    **BAD_CHUNKS,
    "a blank behind the size": b"2 \r\n{}\r\n0\r\n\r\n",
    "a control character": b"2;\x01\r\n{}\r\n0\r\n\r\n",
    "a trailer that is none": b"2\r\n{}\r\n0\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize(("method", "target", "status"), UNREAD.values(), ids=UNREAD)
@pytest.mark.parametrize("body", ODD_CHUNKS.values(), ids=ODD_CHUNKS)
def test_answers_once_where_a_body_is_not_read(
    wire: Wire, method: str, target: str, status: int, body: bytes
) -> None:
    """A malformed body behind a request that is answered without it gets no second answer: it would be another's."""
    wire.send(request(target, CHUNKED, method=method) + body)

    answer = wire.receive()
    assert answer.status_code in {status, 400}
    assert wire.is_over()


@endpoints
@pytest.mark.parametrize("size", [LIMIT + 1, 10_000_000_000])
def test_refuses_a_long_body_before_it_comes(
    wire: Wire, kept_counter: str, endpoint: Endpoint, size: int
) -> None:
    """A Content-Length of more than 256 KiB is a 413 at once."""
    wire.send(head(endpoint, kept_counter, f"Content-Length: {size}"))

    problem_in(wire.receive(), 413, "content-too-large")


@endpoints
def test_ends_the_connection_of_a_long_body(wire: Wire, kept_counter: str, endpoint: Endpoint) -> None:
    """A body that is far too large is not read to its end."""
    wire.send(head(endpoint, kept_counter, "Content-Length: 10000000") + b" " * 10_000_000)

    problem_in(wire.receive(), 413, "content-too-large")
    assert wire.is_over()


@endpoints
@pytest.mark.parametrize("blanks", [LIMIT, 10_000_000])
def test_refuses_too_many_chunks(wire: Wire, kept_counter: str, endpoint: Endpoint, blanks: int) -> None:
    """A chunked body of more than 256 KiB is a 413, even if all that follows a complete one are blanks."""
    body = endpoint.body_with("1", kept_counter) + b" " * blanks
    wire.send(head(endpoint, kept_counter, CHUNKED) + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")

    problem_in(wire.receive(), 413, "content-too-large")


@pytest.mark.parametrize("headers", NO_REQUESTS.values(), ids=NO_REQUESTS)
@pytest.mark.usefixtures("kept_counter")
def test_refuses_what_is_no_http(wire: Wire, headers: list[str]) -> None:
    """A request that two servers could understand differently is a 4xx, and nothing behind it is read."""
    wire.send(request("/occ/a", *headers) + b"{}" + request("/occ/b"))

    answer = wire.receive()

    assert answer.status_code in {400, 431, 501}
    assert wire.is_over()


@pytest.mark.parametrize("target", NO_TARGETS.values(), ids=NO_TARGETS)
@pytest.mark.usefixtures("kept_counter")
def test_refuses_what_is_no_target(wire: Wire, target: str) -> None:
    """A target with bytes that do not belong in one is a 4xx."""
    answer = wire.ask(target)

    assert answer.status_code in {400, 414}
    assert wire.is_over()


REFUSALS = {
    "no path": (404, request("/nowhere", JSON, "Content-Length: 44")),
    "no id": (400, request("/occ/_bulk", JSON, "Content-Length: 44")),
    "no method": (405, request("/occ/a", JSON, "Content-Length: 44", method="DELETE")),
    "a query": (422, request("/occ/a?by=1", JSON, "Content-Length: 44")),
    "an idempotency key": (422, request("/occ/a", JSON, "Content-Length: 44", "Idempotency-Key: a")),
    "no media type": (415, request("/occ/a", "Content-Length: 44")),
    "a compressed body": (415, request("/occ/a", JSON, "Content-Length: 44", "Content-Encoding: gzip")),
    "no JSON": (400, request("/occ/a", JSON, "Content-Length: 44")),
    "a body to a read": (404, request("/counters/no-such", JSON, "Content-Length: 44", method="GET")),
    "a body to a delete": (404, request("/counters/no-such", JSON, "Content-Length: 44", method="DELETE")),
}


@pytest.mark.parametrize(("status", "refused"), REFUSALS.values(), ids=REFUSALS)
@pytest.mark.usefixtures("kept_counter")
def test_does_not_take_a_refused_body_for_a_request(wire: Wire, status: int, refused: bytes) -> None:
    """After a refusal the connection goes on behind the body that came with it, which is no request of its own."""
    smuggled = b"POST /occ/smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"[:44].ljust(44)
    wire.send(refused + smuggled)

    answer = wire.receive()
    following = wire.ask("/healthz", method="GET")

    assert status == answer.status_code
    assert (200, {"status": "alive"}) == (following.status_code, following.json())


@pytest.mark.parametrize("target", ["/nowhere", "/occ/_bulk", "/occ/a?by=1"])
@pytest.mark.usefixtures("kept_counter")
def test_ends_the_connection_rather_than_read_a_long_refused_body(wire: Wire, target: str) -> None:
    """What a refused request still sends is thrown away up to a limit, and never taken for the next request."""
    smuggled = request("/occ/smuggled", "Content-Length: 0")
    wire.send(request(target, JSON, "Content-Length: 1000000") + smuggled * (1_000_000 // len(smuggled)))

    answer = wire.receive()

    assert 400 <= answer.status_code < 500
    assert wire.is_over()


@pytest.mark.parametrize("endpoint", SINGLES.values(), ids=SINGLES)
def test_reads_pipelined_requests_in_order(wire: Wire, counter_id: str, endpoint: Endpoint) -> None:
    """Requests that are sent without waiting are answered in order, of known length or in chunks."""
    body = b'{"by": 2}'
    fixed = head(endpoint, counter_id, f"Content-Length: {len(body)}") + body
    chunked = (
        head(endpoint, counter_id, CHUNKED) + b'4\r\n{"by\r\n5;note=a\r\n": 2}\r\n0\r\nX-Checksum: a\r\n\r\n'
    )

    wire.send(fixed + chunked + fixed)

    assert [2, 4, 6] == [wire.receive().json()["value"] for _ in range(3)]


def test_bids_a_client_to_go_on(wire: Wire, counter_id: str) -> None:
    """A client that waits to be asked for its body is asked for it."""
    wire.send(request(f"/occ/{counter_id}", JSON, "Content-Length: 9", "Expect: 100-continue"))
    interim = wire.receive()
    wire.send(b'{"by": 3}')
    answer = wire.receive()

    assert 100 == interim.status_code
    assert (200, 3) == (answer.status_code, answer.json()["value"])


def test_takes_repeated_conditions_as_one_list(wire: Wire, counter_id: str) -> None:
    """Headers that are lists may come in several lines."""
    first = wire.ask(f"/occ/{counter_id}")
    tag = first.headers["etag"]

    answer = wire.ask(f"/occ/{counter_id}", 'If-Match: "0-0"', f"If-Match: {tag}")

    assert (200, 2) == (answer.status_code, answer.json()["value"])


def test_does_not_send_back_what_could_be_a_header(wire: Wire) -> None:
    """Line breaks in a path end up escaped in the answer, if at all."""
    answer = wire.ask("/occ/a%0d%0aSet-Cookie:%20a=b", "X-Request-Id: a%0d%0aSet-Cookie:b")

    problem_in(answer, 400, "bad-request")
    assert "set-cookie" not in answer.headers


def head(endpoint: Endpoint, counter_id: str, *headers: str) -> bytes:
    """Return the head of a request to an endpoint, whose body is JSON."""
    return request(endpoint.path_for(counter_id), JSON, *headers, method=endpoint.method)


def cut_off(wire: Wire, endpoint: Endpoint, counter_id: str, framing: str, *, body: bytes) -> Answer:
    """Send the beginning of a request, say that this was all, and return the answer."""
    wire.send(head(endpoint, counter_id, framing) + body)
    wire.end()
    return wire.receive()

"""Where a request ends, however it is cut on its way, and what is given up as none."""

import math

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]  # gunicorn has no type hints
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]  # likewise
from hypothesis import given
from hypothesis import strategies as st

from service.server.framing import MAX_HEAD, MAX_LINE, Extent

MAX_BODY = 1000

CHUNKED = b"Transfer-Encoding: chunked\r\n"


def head(*headers: bytes) -> bytes:
    """Return the head of a request."""
    return b"POST /occ/a HTTP/1.1\r\nHost: a\r\n" + b"".join(headers) + b"\r\n"


def chunked(chunks: list[bytes], extension: bytes, trailers: bytes) -> bytes:
    """Return a body in chunks."""
    frames = [b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks if chunk]
    return b"".join(frames) + b"0\r\n" + trailers + b"\r\n"


no_body = st.just(head())
of_known_length = st.binary(max_size=MAX_BODY).map(
    lambda body: head(b"content-LENGTH:%d \r\n" % len(body)) + body
)
in_chunks = st.builds(
    lambda chunks, extension, trailers: head(CHUNKED) + chunked(chunks, extension, trailers),
    st.lists(st.binary(max_size=100), max_size=9),
    st.sampled_from([b"", b";a", b' ; a="b"']),
    st.sampled_from([b"", b"X-Sum: a\r\n", b"X-Sum: a\r\nX-Other: b\r\n"]),
)


def test_zeros_before_a_length_are_no_digits() -> None:
    """A length may be written at any length: it means the same in one packet as in two."""
    extents = [
        look(head(b"Content-Length: 0000000000000000000009\r\n") + b"123456789"),
        look(head(CHUNKED) + b"00000000000000000009\r\n123456789\r\n0\r\n\r\n"),
    ]

    assert [False, False] == [extent.is_last for extent in extents if extent]


def test_a_line_feed_alone_is_not_waited_on() -> None:
    """A head whose lines end otherwise than they must is handed over at once, to be refused."""
    extent = look(b"GET /healthz HTTP/1.1\nHost: x\n\n")

    assert extent is not None
    assert extent.is_last


requests = st.one_of(no_body, of_known_length, in_chunks)


def look(data: bytes) -> Extent | None:
    """Return the extent of a request that has come in one go, or None if it is not there yet."""
    extent = Extent(MAX_BODY)
    return extent if extent.look(bytearray(data)) else None


@given(request=requests, following=st.binary(max_size=50), cuts=st.lists(st.integers(1, 400), max_size=20))
def test_a_request_is_there_with_its_last_byte(request: bytes, following: bytes, cuts: list[int]) -> None:
    """However the bytes are cut on their way, a request is whole with its last one, and ends there."""
    extent, arrived, rest = Extent(MAX_BODY), bytearray(), request + following
    for cut in [*cuts, len(rest)]:
        whole = extent.look(arrived)

        assert whole is (len(arrived) >= len(request))
        if whole:
            break
        arrived += rest[:cut]
        rest = rest[cut:]
    assert extent.look(arrived)
    assert (len(request), False) == (extent.end, extent.is_last)


@given(request=requests, following=st.binary(min_size=1, max_size=50))
def test_it_ends_where_gunicorn_ends_it(request: bytes, following: bytes) -> None:
    """What gunicorn's parser leaves of the bytes is what lies behind the request's end."""
    parser = RequestParser(Config(), iter([request + following]), ("127.0.0.1", 1))
    next(parser).body.read()
    extent = look(request + following)

    assert extent
    assert following == parser.unreader.take_buffered()
    assert len(request) == extent.end


REFUSED = {
    "two lengths": head(b"Content-Length: 1\r\n", b"Content-Length: 2\r\n"),
    "a length and chunks": head(b"Content-Length: 1\r\n", CHUNKED),
    "a length in words": head(b"Content-Length: one\r\n"),
    "a negative length": head(b"Content-Length: -1\r\n"),
    "a length of many digits": head(b"Content-Length: " + b"9" * 5000 + b"\r\n"),
    "too long a body": head(b"Content-Length: %d\r\n" % (MAX_BODY + 1)),
    "another coding": head(b"Transfer-Encoding: gzip, chunked\r\n"),
    "a chunk without a size": head(CHUNKED) + b"\r\n",
    "a chunk with a sign": head(CHUNKED) + b"+2\r\n",
    "a chunk that does not end": head(CHUNKED) + b"1\r\nab\r\n",
    "a line that does not end": head(CHUNKED) + b"1;" + b"a" * MAX_LINE,
    "trailers that do not end": head(CHUNKED) + b"0\r\n" + b"a" * MAX_HEAD,
    "headers that do not end": b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD,
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_not_waited_for(data: bytes) -> None:
    """A request that is malformed or too long is handed over as far as it has come, and none is sought behind it."""
    extent = look(data)

    assert extent
    assert extent.is_last
    assert extent.end <= len(data)


@given(chunk=st.integers(1, 400), step=st.integers(1, 997))
def test_what_has_no_end_is_not_gathered_for_ever(chunk: int, step: int) -> None:
    """However small its chunks are, a body is given up soon after the longest that is allowed."""
    endless = b"%x\r\n%s\r\n" % (chunk, b"a" * chunk)
    extent, arrived, sent = Extent(MAX_BODY), bytearray(head(CHUNKED)), 0
    while not extent.look(arrived):
        arrived += (endless * (step // len(endless) + 2))[sent % len(endless) :][:step]
        sent += step

    assert extent.is_last
    assert len(arrived) <= len(head(CHUNKED)) + 2 * MAX_BODY + len(endless) + step


def test_what_ends_early_is_all_there_is() -> None:
    """A request that is cut off can be served as far as it came, as its connection's last."""
    extent, data = Extent(MAX_BODY), bytearray(head(b"Content-Length: 9\r\n") + b"1234")
    before = extent.look(data)
    extent.cut(data)

    assert not before
    assert (True, True, len(data)) == (extent.has_head, extent.is_last, extent.end)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"", math.inf),
        (b"X-Request-Timeout: 0.25\r\n", 0.25),
        (b"x-request-timeout:\t9999 \r\n", 9999.0),
        (b"X-Request-Timeout: soon\r\n", math.inf),
        (b"X-Request-Timeout: 1e3\r\n", math.inf),
        (b"X-Request-Timeout: 0\r\n", math.inf),
        (b"X-Requests-Timeout: 1\r\n", math.inf),
    ],
)
def test_how_long_a_caller_waits(header: bytes, seconds: float) -> None:
    """It is known before anybody serves the request; what is no number is for the service to refuse."""
    extent = Extent(MAX_BODY)

    assert extent.look(bytearray(head(header)))
    assert seconds == extent.patience


@pytest.mark.parametrize(
    ("waits", "version", "expectation"),
    [(True, b"1.1", b"100-continue"), (True, b"1.1", b"100-Continue"), (False, b"1.0", b"100-continue")],
)
def test_who_waits_to_be_asked_for_the_body(*, waits: bool, version: bytes, expectation: bytes) -> None:
    """It is known who sends no body before being told to; only HTTP/1.1 has a way to tell."""
    extent = Extent(MAX_BODY)
    start = head(b"Content-Length: 9\r\n", b"Expect: " + expectation + b"\r\n")

    assert not extent.look(bytearray(start.replace(b"1.1", version, 1)))
    assert waits is extent.waits

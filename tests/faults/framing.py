"""Where an HTTP/1.1 message ends, without a change to any of its bytes (RFC 9112, section 6)."""

from http.client import parse_headers
from io import BytesIO
from typing import BinaryIO, Final

HEAD_END: Final = b"\r\n"
BODILESS: Final = frozenset({b"204", b"304"})


def read_request(stream: BinaryIO) -> bytes:
    """Return the next request, as it came; nothing if there is none.

    Raises:
        EOFError: It ends before its end.
    """
    head = _read_head(stream)
    return head + _read_body(stream, head) if head else b""


def read_reply(stream: BinaryIO, *, to: bytes) -> bytes:
    """Return the reply to a request, as it came.

    Raises:
        EOFError: It ends before its end, or there is none.
    """
    head = _read_head(stream)
    if not head:
        raise EOFError
    if to.startswith(b"HEAD ") or head.split(b" ", 2)[1] in BODILESS:
        return head
    return head + _read_body(stream, head)


def _read_head(stream: BinaryIO) -> bytes:
    """Return everything up to the empty line, that line included."""
    lines = [stream.readline()]
    if not lines[0]:
        return b""
    while lines[-1] != HEAD_END:
        lines.append(stream.readline())
        if not lines[-1]:
            raise EOFError
    return b"".join(lines)


def _read_body(stream: BinaryIO, head: bytes) -> bytes:
    headers = parse_headers(BytesIO(head.partition(HEAD_END)[2]))
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        return _read_chunks(stream)
    return _exactly(stream, int(headers.get("Content-Length", 0)))


def _read_chunks(stream: BinaryIO) -> bytes:
    chunks = b""
    size = -1
    while size != 0:
        line = stream.readline()
        size = int(line.partition(b";")[0], 16) if line else 0
        chunks += line + _exactly(stream, size + len(HEAD_END))
    return chunks


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data

"""Where a request ends in the bytes that have arrived so far, and how long its caller waits for an answer.

This decides when a request is handed to a thread, and until when, and nothing else: what it says, and whether it is one
at all, is gunicorn's parser to judge, which is given the bytes as they came. Whatever is malformed or too long is
handed over at once, to be refused.

Source: RFC 9112, sections 2.1, 6 and 7.1.
"""

import math
import re
from typing import Final

from service.admission import PATIENCE

HEAD_END: Final = b"\r\n\r\n"
LINE_END: Final = b"\r\n"

MAX_HEAD: Final = 64 * 1024
"""Bytes of a request line with its headers; gunicorn has limits of its own for each of them, and they are lower."""

MAX_LINE: Final = 8 * 1024
"""Bytes of a line that begins a chunk."""

HEADERS: Final = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect|x-request-timeout)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)
SECONDS: Final = re.compile(PATIENCE.encode())
LENGTH: Final = re.compile(rb"0*[0-9]{1,15}")
CHUNK_SIZE: Final = re.compile(rb"0*([0-9A-Fa-f]{1,15})(?:[ \t]*;|\Z)")
BARE_LINE_END: Final = re.compile(rb"(?<!\r)\n")


class Extent:
    """How far the request at the beginning of a buffer reaches.

    Attributes:
        end: Where it ends, once `look` says that it is there.
        is_last: Whether nothing behind it can be taken for another request: it is malformed, too long or cut off.
        has_head: Whether its request line and headers are there.
        waits: Whether its sender waits to be told to go on before it sends the body.
        patience: Seconds that its sender waits for an answer, as it says; ``math.inf`` if it does not.
    """

    __slots__ = (
        "_body",
        "_chunk",
        "_max_body",
        "_searched",
        "end",
        "has_head",
        "is_last",
        "patience",
        "waits",
    )

    def __init__(self, max_body: int) -> None:
        self.end = 0
        self.is_last = False
        self.has_head = False
        self.waits = False
        self.patience = math.inf
        self._max_body = max_body
        self._searched = 0
        self._body = 0
        self._chunk = 0  # where the line of the next chunk begins, in a body that comes in chunks

    def look(self, data: bytearray) -> bool:
        """Say whether the whole request is there; or as much of one that is refused as it takes to refuse it.

        Args:
            data: What has arrived, the same as in the last call and more.
        """
        if not self.has_head:
            at = data.find(HEAD_END, max(0, self._searched - len(HEAD_END)))
            self._searched = len(data)
            if at < 0:
                return (len(data) > MAX_HEAD or bool(BARE_LINE_END.search(data))) and self.cut(data)
            self.has_head = True
            self._body = at + len(HEAD_END)
            self._read(bytes(data[:at]))
        if self._chunk:
            return self._look_for_last_chunk(data)
        return len(data) >= self.end

    def cut(self, data: bytearray) -> bool:
        """Take what is there for all there is, and say so."""
        self.end = len(data)
        self.is_last = True
        return True

    def _read(self, head: bytes) -> None:
        lengths, codings = [], []
        for name, value in HEADERS.findall(head):
            match name.lower():
                case b"content-length":
                    lengths.append(value.rstrip())
                case b"transfer-encoding":
                    codings.append(value.rstrip().lower())
                case b"x-request-timeout":
                    seconds = value.rstrip()
                    self.patience = float(seconds) if SECONDS.fullmatch(seconds) else math.inf
                case _:
                    self.waits = value.lower().startswith(b"100-continue") and b" HTTP/1.1\r\n" in head
        self.end = self._body
        match lengths, codings:
            case [], []:
                pass
            case [], [b"chunked"]:
                self._chunk = self._body
            case [length], [] if LENGTH.fullmatch(length) and int(length) <= self._max_body:
                self.end += int(length)
            case _:
                self.is_last = True

    def _look_for_last_chunk(self, data: bytearray) -> bool:
        """Go from chunk to chunk as far as they are there, each time from the last one that was not."""
        while True:
            line_end = data.find(LINE_END, self._chunk, self._chunk + MAX_LINE)
            if line_end < 0:
                odd = len(data) - self._chunk > MAX_LINE or BARE_LINE_END.search(data, self._chunk)
                return bool(odd) and self.cut(data)
            size = CHUNK_SIZE.match(data[self._chunk : line_end])
            if not size:
                return self.cut(data)
            content = line_end + len(LINE_END)
            length = int(size[1], 16)
            if length == 0:
                return self._look_for_trailers(data, line_end)
            # The frames of the chunks count as well: a body of nothing but frames has no end.
            too_long = content + length - self._body > 2 * self._max_body
            if too_long and len(data) - self._body > 2 * self._max_body:
                return self.cut(data)
            following = content + length + len(LINE_END)
            if len(data) < following:
                return False
            if data[content + length : following] != LINE_END:
                return self.cut(data)
            self._chunk = following

    def _look_for_trailers(self, data: bytearray, line_end: int) -> bool:
        at = data.find(HEAD_END, line_end)
        if at < 0:
            return len(data) - line_end > MAX_HEAD and self.cut(data)
        self.end = at + len(HEAD_END)
        return True

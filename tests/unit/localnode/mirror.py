"""A stand-in for Elastic's download host: a real HTTP server on loopback, with small archives."""

import hashlib
import io
import tarfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from localnode.tarball import archive_name
from localnode.version import VERSION

ARCHIVE = f"/{archive_name()}"
CHECKSUM = f"{ARCHIVE}.sha512"


def archive(*, padding: int = 0, folder: str = f"elasticsearch-{VERSION}") -> bytes:
    """Return an archive laid out like Elastic's, with `padding` incompressible bytes in it."""
    files = {
        "lib/elasticsearch-9.4.3.jar": b"",
        "config/jvm.options": b"",
        "jdk/bin/java": b"#!/bin/sh\n",
        "padding": b"".join(hashlib.sha512(b"%d" % index).digest() for index in range(padding // 64)),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as content:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(data)
            member.mode = 0o750 if name == "jdk/bin/java" else 0o640
            content.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def checksum(content: bytes) -> bytes:
    """Return what Elastic's `.sha512` file would hold for it."""
    return f"{hashlib.sha512(content).hexdigest()}  {archive_name()}\n".encode()


@dataclass
class Mirror:
    """An HTTP server of a few files.

    Attributes:
        files: What it serves, by path.
        cut: After how many bytes of a file's body it closes the connection, by path.
        requested: The paths asked for so far.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requested.append(self.path)
                content = mirror.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: mirror.cut.get(self.path)])

            def log_message(self, *arguments: object) -> None:
                """Stay quiet: what was requested is on record."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def publish(self, content: bytes) -> None:
        """Serve an archive together with its checksum."""
        self.files = {ARCHIVE: content, CHECKSUM: checksum(content)}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

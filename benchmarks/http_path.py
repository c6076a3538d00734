"""What a request costs on its way through the service, beside a bare Flask route that answers with the same JSON.

Every variant has a gunicorn of its own, with gunicorn.conf.py and one worker, and stores nothing. What is measured is
the processor time of the worker: neither Elasticsearch nor the caller nor the machine's other load is in it. A round
goes through all variants, and rounds repeat.

python -m benchmarks.http_path        # what `make bench-http` does
"""

import http.client
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
from flask import Flask

from benchmarks.applications import in_place_of_the_service
from localnode.serving import Service, serving_without_index
from service.app import create_app
from service.counters import Applied, Increment, Revision
from tests.fakes import InMemoryCounters

CONNECTIONS: Final = 16
TURNS: Final = 40
"""Requests on each connection, a variant and round."""
ROUNDS: Final = 20

ANSWER: Final = b'{"id":"page-views","value":1,"by":1,"strategy":"scripted","attempts":1,"conflicts":0}\n'


class Nowhere(InMemoryCounters):
    """A repository that stores nothing: each increment is the first."""

    def add(self, increment: Increment) -> Applied:
        """Return what the increment comes to."""
        return Applied(increment.by, Revision(1, 0))


def nothing() -> Any:
    """Return a WSGI application that only answers."""
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))]

    def answer(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        return [ANSWER]

    return answer


def service() -> Flask:
    """Return the service without any storage."""
    return create_app(repository=Nowhere())


@dataclass(frozen=True, slots=True)
class Variant:
    """What is measured.

    Attributes:
        name: What it is called in the table.
        application: What gunicorn serves, and the path that is asked for.
        body: What is sent.
        log_level: The least important lines that the service writes.
        beside: What the bare route is called that it is compared with.
    """

    name: str
    application: str
    path: str
    body: bytes = b""
    log_level: str = "INFO"
    beside: str | None = None


BODY: Final = b'{"by":1}'
BARE: Final = "a bare Flask route"
BARE_WITH_BODY: Final = "a bare Flask route, sent a body"
VARIANTS: Final = (
    Variant("gunicorn alone", "benchmarks.http_path:nothing()", "/scripted/page-views"),
    Variant(BARE, "benchmarks.routes.bare:app()", "/bare/page-views"),
    Variant(
        "the service, without its log line",
        "benchmarks.http_path:service()",
        "/scripted/page-views",
        log_level="WARNING",
        beside=BARE,
    ),
    Variant("the service", "benchmarks.http_path:service()", "/scripted/page-views", beside=BARE),
    Variant(BARE_WITH_BODY, "benchmarks.routes.bare:app()", "/bare/page-views", BODY),
    Variant(
        "the service, sent a body",
        "benchmarks.http_path:service()",
        "/scripted/page-views",
        BODY,
        beside=BARE_WITH_BODY,
    ),
)


class Worker:
    """A worker that serves a variant, and connections to it."""

    def __init__(self, variant: Variant, service: Service) -> None:
        self.variant = variant
        address, master = urlsplit(service.url).netloc, service.process.pid
        self._connections = [http.client.HTTPConnection(address) for _ in range(CONNECTIONS)]
        self._headers = {"Content-Type": "application/json"} if variant.body else {}
        self._ask()
        [worker] = Path(f"/proc/{master}/task/{master}/children").read_text("ascii").split()
        self._threads = Path(f"/proc/{worker}/task")

    def microseconds(self) -> float:
        """Return the processor time of a request, of all threads and with the kernel's part."""
        before = self._nanoseconds()
        for _ in range(TURNS):
            self._ask()
        return (self._nanoseconds() - before) / (TURNS * CONNECTIONS) / 1000

    def _ask(self) -> None:
        for connection in self._connections:
            connection.request("POST", self.variant.path, self.variant.body, self._headers)
        for connection in self._connections:
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{answer.status}: {body.decode()}")

    def _nanoseconds(self) -> int:
        """Source: https://docs.kernel.org/scheduler/sched-stats.html, /proc/<pid>/schedstat."""
        return sum(
            int((task / "schedstat").read_text("ascii").split()[0]) for task in self._threads.iterdir()
        )


@contextmanager
def serving(variant: Variant, folder: Path) -> Iterator[Worker]:
    """Start gunicorn with a variant, give its worker, and end it; ``folder`` is where it logs."""
    environment = {
        **in_place_of_the_service(variant.application),
        "LOG_FORMAT": "json",
        "LOG_LEVEL": variant.log_level,
        "WORKERS": "1",
    }
    with serving_without_index(environment, log=folder / variant.name) as service:
        yield Worker(variant, service)


def main() -> None:
    """Measure, and print what a request costs in each variant, and what that is of the bare route."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers = [stack.enter_context(serving(variant, folder)) for variant in VARIANTS]
        measured: dict[str, list[float]] = {variant.name: [] for variant in VARIANTS}
        for _ in range(ROUNDS):
            for worker in workers:
                measured[worker.variant.name].append(worker.microseconds())
    click.echo(f"{'processor time of the worker for a request':45}  least  median  of the bare route's")
    for variant in VARIANTS:
        figures = [function(measured[variant.name]) for function in (min, statistics.median)]
        line = f"{variant.name:45} {figures[0]:3.0f} µs  {figures[1]:3.0f} µs"
        if variant.beside:
            bare = [function(measured[variant.beside]) for function in (min, statistics.median)]
            line += f"  {figures[0] / bare[0]:.2f}, {figures[1] / bare[1]:.2f}"
        click.echo(line)


if __name__ == "__main__":
    main()

"""What a request costs on its way through the service, beside a bare Flask route that answers with the same JSON.

Every variant has a gunicorn of its own, with gunicorn.conf.py and one worker, and stores nothing. What is measured is
the processor time of the worker: neither Elasticsearch nor the caller nor the machine's other load is in it. Requests
come one at a time, which is what one costs, and many at a time, whose threads then also fight for Python's lock. A
round goes through all variants, and rounds repeat.
"""

import http.client
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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

AT_A_TIME: Final = (1, 16)
"""Requests that are under way at a time, each on a connection of its own."""
REQUESTS: Final = 48
"""For a variant and a round, of each of these: few, so that a round is over before the machine is another."""
ROUNDS: Final = 150

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
        self._connections = [http.client.HTTPConnection(address) for _ in range(max(AT_A_TIME))]
        self._headers = {"Content-Type": "application/json"} if variant.body else {}
        self._ask(self._connections)
        [worker] = Path(f"/proc/{master}/task/{master}/children").read_text("ascii").split()
        self._threads = Path(f"/proc/{worker}/task")

    def microseconds(self, at_a_time: int) -> float:
        """Return the processor time of a request, of all threads and with the kernel's part."""
        connections = self._connections[:at_a_time]
        before = self._nanoseconds()
        for _ in range(REQUESTS // at_a_time):
            self._ask(connections)
        return (self._nanoseconds() - before) / REQUESTS / 1000

    def _ask(self, connections: Sequence[http.client.HTTPConnection]) -> None:
        for connection in connections:
            connection.request("POST", self.variant.path, self.variant.body, self._headers)
        for connection in connections:
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
        rounds = [
            {
                (worker.variant.name, number): worker.microseconds(number)
                for worker in workers
                for number in AT_A_TIME
            }
            for _ in range(ROUNDS)
        ]
    for number in AT_A_TIME:
        title = f"processor time of the worker, {number} at a time"
        click.echo(f"{title:45}  least  median  of the bare route's, and its quartiles")
        for variant in VARIANTS:
            click.echo(
                _line(variant, {name: [each[name, number] for each in rounds] for name, _ in rounds[0]})
            )


def _line(variant: Variant, measured: Mapping[str, Sequence[float]]) -> str:
    own = measured[variant.name]
    line = f"{variant.name:45} {min(own):3.0f} µs  {statistics.median(own):3.0f} µs"
    if variant.beside is None:
        return line
    # Of what was measured in the same round, for in the next one the machine may be another.
    ratios = [mine / bare for mine, bare in zip(own, measured[variant.beside], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{line}  {middle:.2f} ({low:.2f} to {high:.2f})"

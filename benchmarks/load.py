"""The load: vegeta, which says of every single request when it was sent, how long it took and what was answered.

It holds a fixed number of connections. In a *closed loop* each sends its next request once the last is answered: that
finds the maximum, and what its percentiles say holds for that many callers who wait. At a *constant rate* requests are
due at fixed times, whether or not the last is answered, as from callers who do not know of each other. A request that
leaves late, because all connections wait, is counted from when it was due: from its start alone, a stall would count
once and not for all that it held up (*coordinated omission*).

Source: https://github.com/tsenart/vegeta and http://highscalability.com/blog/2015/10/5/your-load-generator-is-probably-lying-to-you-take-the-red-pi.html
"""

import base64
import csv
import itertools
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from benchmarks.errors import BenchmarkError

TIMEOUT: Final = 30
"""Seconds after which a request is given up: more than the service takes to answer any."""

FIELDS: Final = ("sent", "status", "latency", "", "", "error", "body", "", "seq", "", "", "")
"""The columns of ``vegeta encode --to csv`` that are read here; times are in nanoseconds."""

VARIABLES: Final = {"GOGC": "400"}
"""Fewer collections of garbage: the load shares the processors with what it measures."""


class Outcome(StrEnum):
    """What became of an increment, as far as its answer tells."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """A request and its answer; times are in nanoseconds, ``sent`` since 1970, ``status`` is 0 if none came."""

    seq: int
    sent: int
    latency: int
    status: int
    outcome: Outcome

    @property
    def ended(self) -> int:
        """When the answer was there."""
        return self.sent + self.latency


@dataclass(frozen=True, slots=True)
class Load:
    """The answers in the order of their requests, and the CPU time that it took to send these, in seconds."""

    answers: Sequence[Answer]
    cpu_seconds: float


def vegeta() -> str:
    """Return where vegeta is: on the PATH, or where Go puts what it installs.

    Raises:
        BenchmarkError: It is not installed.
    """
    go = Path(os.environ.get("GOPATH", Path.home() / "go")) / "bin"
    found = shutil.which("vegeta") or shutil.which("vegeta", path=str(go))
    if found is None:
        raise BenchmarkError(
            "vegeta, which makes the load, is not installed: go install github.com/tsenart/vegeta/v12@v12.13.0"
            " (Go 1.22 or later; macOS: brew install vegeta; or a program from its releases on GitHub, on the PATH)."
        )
    return found


def version() -> str:
    """Return which vegeta it is."""
    said = subprocess.run([vegeta(), "-version"], capture_output=True, text=True, check=True).stdout
    number = next((line.split()[-1] for line in said.splitlines() if line.startswith("Version")), "")
    return f"vegeta {number}".strip()


def write_requests(file: Path, urls: Iterable[str], keys: Iterable[str] | None = None) -> None:
    """Write the requests that vegeta sends in turn, starting over at the end: each a POST without a body.

    Args:
        file: Where they go.
        urls: Where they are sent.
        keys: The Idempotency-Key of each; None for no such header.
    """
    requests: Iterable[dict[str, Any]] = ({"method": "POST", "url": url} for url in urls)
    if keys is not None:
        # As many as there are keys: none is sent twice.
        requests = (
            {**request, "header": {"Idempotency-Key": [key]}}
            for request, key in zip(itertools.cycle(requests), keys, strict=False)
        )
    with file.open("w") as output:
        output.writelines(f"{json.dumps(request)}\n" for request in requests)


def send(requests: Path, *, connections: int, seconds: float, rate: int = 0) -> Load:
    """Send requests and wait until all are answered.

    Args:
        requests: What `write_requests` has written.
        connections: How many requests are under way at most.
        seconds: After which no more are sent.
        rate: How many are due a second; 0 for as many as are answered, a closed loop.

    Raises:
        BenchmarkError: vegeta failed.
    """
    results = requests.with_suffix(".results")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(
        "attack",
        "-format=json",
        f"-targets={requests}",
        f"-output={results}",
        f"-duration={round(seconds * 1000)}ms",
        f"-rate={rate}",
        f"-workers={connections}",
        f"-max-workers={connections}",
        f"-connections={connections}",
        f"-timeout={TIMEOUT}s",
        "-redirects=-1",
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    table = requests.with_suffix(".csv")
    _run("encode", "-to=csv", f"-output={table}", str(results))
    with table.open(newline="") as rows:
        answers = list(parse(rows))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Load(answers, cpu)


def _run(*arguments: str) -> None:
    done = subprocess.run(
        [vegeta(), *arguments],
        env={**os.environ, **VARIABLES},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchmarkError(f"vegeta {arguments[0]} failed: {done.stderr.strip()}")


def parse(rows: Iterable[str]) -> Iterator[Answer]:
    """Read vegeta's table of results, and give them in the order in which they were sent."""
    cells = csv.DictReader(rows, FIELDS)
    yield from sorted(
        (
            Answer(
                seq=int(row["seq"]),
                sent=int(row["sent"]),
                latency=int(row["latency"]),
                status=int(row["status"]),
                outcome=_outcome(int(row["status"]), row["body"]),
            )
            for row in cells
        ),
        key=lambda answer: answer.seq,
    )


def _outcome(status: int, body: str) -> Outcome:
    """Return what an answer says: the service's 503 says it in words, and a 4xx has changed nothing."""
    if status == HTTPStatus.OK:
        return Outcome.ACKNOWLEDGED
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.REFUSED
    try:
        problem = json.loads(base64.b64decode(body))
    except ValueError:
        return Outcome.UNKNOWN
    is_refused = isinstance(problem, dict) and problem.get("outcome") == "not-applied"
    return Outcome.REFUSED if is_refused else Outcome.UNKNOWN


def from_due(answers: Sequence[Answer], rate: int) -> list[int]:
    """Return the nanoseconds from when each request was due to its answer.

    Requests are due at equal distances, and none leaves before it is due: so the one that left least late tells when
    the others were.

    Args:
        answers: Those to requests at a constant rate, in order.
        rate: How many were due a second, from 1.
    """
    distance = 10**9 // rate
    if not answers:
        return []
    start = min(answer.sent - answer.seq * distance for answer in answers)
    return [answer.ended - (start + answer.seq * distance) for answer in answers]

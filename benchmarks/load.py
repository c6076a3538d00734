"""The load: wrk, with a script that says of every single request when it was due, sent and answered, and how.

It holds a fixed number of connections. In a *closed loop* each sends its next request once the last is answered: that
finds the maximum, and the times are those of so many callers who wait. At a *constant rate* requests are due at equal
distances, each connection taking its turn, whether or not its last is answered. A request that leaves late, because its
connection waits, is timed from when it was due: from its start alone, a stall would count once and not for all that it
held up (*coordinated omission*). wrk's own percentiles are not used: they are corrected for that by a guess, also in
closed loops, where there is nothing to correct.

Source: https://github.com/wg/wrk, https://github.com/wg/wrk/issues/485 and, for the way to do it right,
https://github.com/giltene/wrk2
"""

import math
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import psutil

from benchmarks import usage
from benchmarks.errors import BenchmarkError

SCRIPT: Final = Path(__file__).with_name("load.lua")

PATIENCE: Final = 30
"""Seconds that answers may take once no more requests are sent: more than the service takes to give any."""

MICROSECONDS: Final = 10**6
POLL: Final = 0.02


class Outcome(StrEnum):
    """What became of an increment, as far as its answer tells."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request.

    Times are in microseconds of one clock. ``status`` is 0 if no answer came. ``counter`` is the number of the one that
    it went to; None where that is not known.
    """

    due: int
    sent: int
    ended: int
    status: int
    outcome: Outcome
    counter: int | None = 0

    @property
    def latency(self) -> int:
        """The time from when the request was due; or from when it was sent, a moment early, as timers are coarse."""
        return self.ended - min(self.due, self.sent)


@dataclass(frozen=True, slots=True)
class Load:
    """What became of the requests, and the CPU time that wrk took to send them, in seconds."""

    answers: Sequence[Answer]
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """How much load: for how many ``seconds``, of which the first ``warm_up`` do not count for the speed.

    ``rate`` is how many requests are due a second; 0 for a closed loop.
    """

    seconds: float
    warm_up: float = 0.0
    rate: float = 0.0


def wrk() -> str:
    """Return where wrk is.

    Raises:
        BenchmarkError: It is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise BenchmarkError(
            "wrk, which makes the load, is not installed (Debian: apt-get install wrk; macOS: brew install wrk)."
        )
    return found


def version() -> str:
    """Return which wrk it is."""
    # It prints that and its usage, and exits with 1.
    said = subprocess.run([wrk(), "--version"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[:2])


def send(url: str, dose: Dose, *, connections: int, counters: int = 1, keyed: bool = False) -> Load:
    """Send requests, each to increment by 1, and wait until all are answered.

    Args:
        url: What the numbers of counters are appended to.
        dose: How much load.
        connections: How many requests are under way at most; not all are used if fewer requests are due.
        counters: How many there are, from 0 on; each request goes to a random one.
        keyed: Whether each has an Idempotency-Key.

    Raises:
        BenchmarkError: wrk failed.
    """
    if dose.rate:
        # One whose first request is not due in time would send it all the same.
        connections = min(connections, max(1, math.floor(dose.rate * dose.seconds)))
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        command = [
            wrk(),
            f"--threads={connections}",
            f"--connections={connections}",
            f"--duration={math.ceil(dose.seconds) + PATIENCE}s",
            f"--script={SCRIPT}",
            url,
            "--",
            *(str(dose.seconds), str(dose.rate), str(counters)),
            *("keyed" if keyed else "", folder, str(connections)),
        ]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                _wait(process, Path(folder), seconds=dose.seconds, connections=connections)
                cpu = usage.cpu_seconds(process.pid)
            finally:
                # It sleeps until its time is over, and takes this for the end of it.
                process.send_signal(signal.SIGINT)
            said = process.communicate()[0]
        if process.returncode != 0:
            raise BenchmarkError(f"wrk failed: {said.strip()}")
        return Load(read(Path(folder)), cpu)


def _wait(process: subprocess.Popen[str], folder: Path, *, seconds: float, connections: int) -> None:
    """Wait until every connection has got its last answer, or wrk has ended; what it took is still to be seen then."""
    time.sleep(seconds)
    watched = psutil.Process(process.pid)
    while watched.status() != psutil.STATUS_ZOMBIE and len([*folder.glob("*.done")]) < connections:
        time.sleep(POLL)


def read(folder: Path) -> list[Answer]:
    """Read what all threads have written; one whose file is not done has a request under way, which was given up.

    When that was sent is not written yet: once the one before it was answered, or when all began.
    """
    written = {file: [*parse(file.read_text().splitlines())] for file in folder.iterdir()}
    answers = [answer for each in written.values() for answer in each]
    begin = min((answer.sent for answer in answers), default=0)
    for file, own in written.items():
        if file.suffix != ".done":
            sent = own[-1].ended if own else begin
            given_up = sent + PATIENCE * MICROSECONDS
            answers.append(Answer(sent, sent, given_up, 0, Outcome.UNKNOWN, counter=None))
    return answers


def parse(lines: Iterable[str]) -> Iterator[Answer]:
    """Read lines of the script's."""
    for line in lines:
        *numbers, outcome = line.split()
        due, sent, ended, status, counter = map(int, numbers)
        yield Answer(due, sent, ended, status, Outcome(outcome), counter)

"""What a profile looks at, what it makes of the stacks that were seen, and its table."""

import subprocess
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from benchmarks import pages, profiling
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement, Results
from benchmarks.load import Dose
from benchmarks.profiling import (
    LOOKING,
    PARTS,
    PROJECT,
    REST,
    SUBJECTS,
    Looks,
    Profile,
    look,
    part_of,
    parts_of,
    profile,
    rows,
)
from benchmarks.ratios import ratios_of, where
from benchmarks.stand import Stand
from benchmarks.targets import BARE, Target
from tests.measurements import measured

LIBRARY = "/home/gunicorn/flask/.venv/lib/python3.11/site-packages/"
VIEW = f"full_dispatch_request ({LIBRARY}flask/app.py:900);increment ({PROJECT}service/api/increments.py:12)"


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        ("dumps (/usr/lib/python3.11/json/__init__.py:231)", "the API and its rules"),
        (f"inc ({LIBRARY}prometheus_client/metrics.py:9)", "metrics"),
        (f"read ({PROJECT}service/server/worker.py:20)", "the service's part of the server"),
        (f"add ({PROJECT}tests/fakes.py:20)", "storage"),
        (f"_as_bytes ({PROJECT}service/logs.py:9);encode ({PROJECT}service/json_text.py:20)", "log"),
        (f"dispatch ({LIBRARY}flask_smorest/blueprint.py:20)", "Flask, Werkzeug and what extends them"),
    ],
)
def test_the_innermost_known_frame_says_what_was_at_work(frame: str, part: str) -> None:
    """The standard library works for who has called it, and what the folders above are called does not matter."""
    assert part == part_of(f"{VIEW};{frame}")


def test_what_belongs_to_nothing_is_the_rest() -> None:
    """As a thread that begins."""
    assert REST == part_of("_bootstrap (/opt/gunicorn/lib/python3.11/threading.py:995)")


def test_looks_are_added_up() -> None:
    """Also those of different stacks in the same part."""
    lines = [f"{VIEW} 3", f"{VIEW};loads (json.py:1) 4", "main (a.py:1) 1"]

    assert {"the API and its rules": 7, REST: 1} == parts_of(lines)


def a_profile(seen: Counter[str]) -> Profile:
    """Return what one of two workers was seen doing in 400 looks, in which both did 1,000 increments a second."""
    cell = Cell(workers=2, connections=32, counters=1)
    return Profile(
        measured=measured("bare", cell, rate=2000, cpu={"gunicorn": 0.5, "store": 0.1, "load": 0.2}),
        looked_at=measured("bare", cell, rate=1000, cpu={"gunicorn": 0.9}),
        looks=Looks(seen, 400),
    )


def test_looks_tell_for_how_long_an_increment_holds_the_lock() -> None:
    """That of any worker, by parts; at which rate that was stands beside what was measured while nobody looked."""
    head, row = rows([a_profile(Counter({"metrics": 50, REST: 150}))])

    assert ("", *PARTS, REST) == head[: len(PARTS) + 2]
    assert ("250", "750") == (row[head.index("metrics")], row[head.index(REST)])
    assert {"0"} == {row[head.index(part)] for part in PARTS if part != "metrics"}
    assert [
        ("the lock in all", "1,000 µs"),
        ("held in looks", "200 of 400"),
        ("increments/s meanwhile", "1,000"),
        ("increments/s before", "2,000"),
        ("gunicorn's CPU", "500 µs"),
        ("processors: gunicorn", "1.00"),
        ("processors: store", "0.20"),
        ("processors: load", "0.40"),
    ] == [*zip(head, row, strict=True)][len(PARTS) + 2 :]


def test_a_worker_that_was_never_seen_at_work_held_no_lock() -> None:
    """As one that sleeps."""
    head, row = rows([a_profile(Counter())])

    assert ("0 µs", "0 of 400") == (row[head.index("the lock in all")], row[head.index("held in looks")])


def spy(monkeypatch: pytest.MonkeyPatch, *, code: int = 0, seconds: float = LOOKING, said: str = "") -> None:
    """Have py-spy end with a code after so many seconds, having seen a worker in the log twice."""
    ended = iter((100.0, 100.0 + seconds))

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        Path(command[-1]).write_text(f"inc ({LIBRARY}structlog/_base.py:9) 2\n")
        return subprocess.CompletedProcess(command, code, "", said)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(time, "monotonic", lambda: next(ended))


def test_looks_that_failed_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether the lock was held then."""
    spy(monkeypatch, said="py-spy> Wrote raw flamegraph data to 'stacks'. Samples: 2 Errors: 65\n")

    assert Looks(Counter({"log": 2}), 400) == look(1)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"code": 1, "said": "Permission Denied\n"}, "as root: Permission Denied$"),
        ({"seconds": 3.0, "said": "process ended\n"}, "took 3.0 s to look for 15 s: process ended$"),
        ({"seconds": 18.0}, "took 18.0 s to look for 15 s"),
    ],
)
def test_what_was_not_looked_at_throughout_is_refused(
    how: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With py-spy's own words: it may not look, the worker has ended, or the load had when it began."""
    spy(monkeypatch, **how)

    with pytest.raises(BenchmarkError, match=why):
        look(1)


class Ready:
    """A test stand of one worker, this program's; it keeps what is measured on it, and looks are among that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        process = SimpleNamespace(pid=1, children=lambda: [SimpleNamespace(pid=7)])
        self.services = {("bare", 1): SimpleNamespace(process=process)}
        monkeypatch.setattr(psutil, "Process", lambda _pid: process)
        monkeypatch.setattr(time, "sleep", float)
        monkeypatch.setattr(profiling, "look", self.look)

    def look(self, pid: int) -> Looks:
        """Look at a worker."""
        self.done.append(f"look at {pid}")
        return Looks(Counter(), 1)

    def measure(self, target: Target, cell: Cell, dose: Dose, *, repeat: int) -> Measurement:
        """Measure: in the n-th measurement n hundred increments a second."""
        if repeat == 1:  # the second one goes on while a worker is looked at
            self.done.append(f"{cell.share:.0%}: {dose.rate:.0f}/s")
        return measured(target.name, cell, rate=100.0 * len(self.done))


@pytest.mark.parametrize(
    ("share", "done"),
    [
        (0.0, ["0%: 0/s", "look at 7"]),
        (0.5, ["0%: 0/s", "50%: 50/s", "look at 7"]),
    ],
)
def test_a_worker_is_looked_at_once_its_target_is_measured(
    share: float, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a part of its maximum, if it is to be at that: the maximum comes first."""
    ready = Ready(monkeypatch)

    found = profile(cast(Stand, ready), BARE, Cell(workers=1, connections=64, counters=1, share=share))

    assert done == ready.done
    assert 100.0 * (len(done) - 1) == found.measured.speed.rate


def test_each_goal_that_is_not_reached_for_certain_is_looked_at() -> None:
    """Both its sides, of the figures that the documentation shows; but for rates that one side did not keep up with."""
    looked_at = {(target.name, where(cell)) for target, cell in SUBJECTS}
    results = Results.load(pages.DOCS / "bench.json")
    open_ones = [each for each in ratios_of(results) if not each.is_met and each.kept_up]

    assert open_ones
    assert (
        set() == {(side, each.where) for each in open_ones for side in (each.target, each.other)} - looked_at
    )

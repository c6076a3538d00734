"""What a profile looks at, what it makes of the stacks that were seen, and its table."""

import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

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
    TURNS,
    Looks,
    Profile,
    look,
    part_of,
    parts_of,
    profiles_of,
    rows,
)
from benchmarks.ratios import ratios_of, where
from benchmarks.stand import Stand
from benchmarks.targets import AS_TASKS, BARE, Target
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
    """Return what workers were seen doing in 400 looks, in which they did 1,000 increments a second; before, 2,000."""
    cell = Cell(workers=2, connections=32, counters=1)
    cpu = {"gunicorn": 0.5, "store": 0.1, "load": 0.2}
    slow, usual, fast = (
        measured("bare", cell, rate=2000 * speed, cpu={group: used / speed for group, used in cpu.items()})
        for speed in (0.5, 1.0, 2.0)
    )
    return Profile(
        measured=[fast, usual, slow],
        looked_at=measured("bare", cell, rate=1000, cpu={"gunicorn": 0.9}),
        looks=Looks(seen, 400),
    )


def test_looks_tell_for_how_long_an_increment_holds_the_lock() -> None:
    """By parts; at which rate that was stands beside what was measured while nobody looked."""
    head, row = rows([a_profile(Counter({"metrics": 100, REST: 500}))])

    assert ("", *PARTS, REST) == head[: len(PARTS) + 2]
    assert ("250", "1,250") == (row[head.index("metrics")], row[head.index(REST)])
    assert {"0"} == {row[head.index(part)] for part in PARTS if part != "metrics"}
    assert [
        ("the lock in all", "1,500"),
        ("seen held", "600 in 400 looks"),
        ("increments/s meanwhile", "1,000"),
        ("increments/s unseen", "2,000"),
        ("CPU µs unseen: gunicorn", "500"),
        ("store", "100"),
        ("load", "200"),
    ] == [*zip(head, row, strict=True)][len(PARTS) + 2 :]


def test_workers_that_were_never_seen_at_work_held_no_lock() -> None:
    """As those that sleep."""
    head, row = rows([a_profile(Counter())])

    assert ("0", "0 in 400 looks") == (row[head.index("the lock in all")], row[head.index("seen held")])


def spy(monkeypatch: pytest.MonkeyPatch, *, code: int = 0, seconds: float = LOOKING, said: str = "") -> None:
    """Have py-spy end with a code after so many seconds, having seen a worker in the log twice."""
    ended = iter((100.0, 100.0 + seconds))

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        Path(command[-1]).write_text(f"inc ({LIBRARY}structlog/_base.py:9) 2\n")
        return subprocess.CompletedProcess(command, code, "", said)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(profiling, "time", SimpleNamespace(monotonic=lambda: next(ended)))


def test_looks_that_failed_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether the lock was held then."""
    spy(monkeypatch, said="py-spy> Wrote raw flamegraph data to 'stacks'. Samples: 2 Errors: 72\n")

    assert Looks(Counter({"log": 2}), 300) == look(1)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"code": 1, "said": "Permission Denied\n"}, "as root: Permission Denied$"),
        ({"seconds": 3.0, "said": "process ended\n"}, "took 3.0 s to look for 12 s: process ended$"),
        ({"seconds": 15.0}, "took 15.0 s to look for 12 s"),
    ],
)
def test_what_was_not_looked_at_throughout_is_refused(
    how: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With py-spy's own words: it may not look, gunicorn has ended, or the load had when it began."""
    spy(monkeypatch, **how)

    with pytest.raises(BenchmarkError, match=why):
        look(1)


class Ready:
    """A test stand that keeps what is done to its targets, looks included."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.services = {
            (target.app.name, 1): SimpleNamespace(process=SimpleNamespace(pid=pid))
            for pid, target in ((7, BARE), (9, AS_TASKS))
        }
        monkeypatch.setattr(profiling, "time", SimpleNamespace(sleep=lambda _: None))
        monkeypatch.setattr(profiling, "look", self.look)

    def look(self, pid: int) -> Looks:
        """Look at the workers of a master."""
        self.done.append(f"look at {pid}")
        return Looks(Counter(), 1)

    def measure(self, target: Target, cell: Cell, dose: Dose, *, repeat: int) -> Measurement:
        """Measure: in the n-th turn n hundred increments a second."""
        if repeat <= TURNS:  # the last one goes on while its workers are looked at
            self.done.append(f"{target.name} at {dose.rate:g}/s")
        return measured(target.name, cell, rate=100.0 * repeat)


def test_targets_are_measured_in_turn_before_any_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what disturbs the machine for a while disturbs all of them."""
    ready = Ready(monkeypatch)
    cell = Cell(workers=1, connections=64, counters=1, share=0.5)

    found = [*profiles_of(cast(Stand, ready), cell, [BARE, AS_TASKS], {BARE: 500.0, AS_TASKS: 600.0})]

    assert [
        *(["bare at 500/s", "bare, as tasks at 600/s"] * TURNS),
        *("look at 7", "look at 9"),
    ] == ready.done
    assert [("bare", 200.0, 400.0), ("bare, as tasks", 200.0, 400.0)] == [
        (each.looked_at.target, each.rate, each.looked_at.speed.rate) for each in found
    ]


def test_a_maximum_is_found_before_a_part_of_it_is_due() -> None:
    """Of each target that is looked at at a constant rate."""
    cells = [*SUBJECTS]

    for cell in cells:
        if cell.share:
            closed = replace(cell, share=0.0)
            assert cells.index(closed) < cells.index(cell)
            assert {*SUBJECTS[cell]} <= {*SUBJECTS[closed]}


def test_each_goal_that_is_not_reached_for_certain_is_looked_at() -> None:
    """Both its sides, of the figures that the documentation shows; but for rates that one side did not keep up with."""
    looked_at = {(target.name, where(cell)) for cell, chosen in SUBJECTS.items() for target in chosen}
    results = Results.load(pages.DOCS / "bench.json")
    open_ones = [each for each in ratios_of(results) if not each.is_met and each.kept_up]

    assert open_ones
    assert (
        set() == {(side, each.where) for each in open_ones for side in (each.target, each.other)} - looked_at
    )

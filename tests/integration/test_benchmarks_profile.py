"""A profile as short as it gets, with py-spy, Elasticsearch and the accounts of Linux: it finds what there is."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks import profiling, slowest, stacks, stand, usage
from benchmarks.figures import Cell
from benchmarks.profiling import BATCHED, profiles_of
from benchmarks.slowest import GUNICORN, SERVING, TIMED, waits
from benchmarks.targets import BARE

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has its processors"),
    pytest.mark.skipif(os.geteuid() != 0, reason="root alone may look at any process with py-spy"),
    pytest.mark.usefixtures("elasticsearch_environment"),
]

CONNECTIONS = 8
RATE = 300.0


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Measure and look once, with patience for a machine that other tests keep busy, and on any disk."""
    monkeypatch.setattr(profiling, "TURNS", 1)
    for module in (profiling, stacks):
        monkeypatch.setattr(module, "STARTING", 10.0)
    monkeypatch.setattr(slowest, "SECONDS", 2.0)
    monkeypatch.setattr(stand, "LOGS", tmp_path)
    monkeypatch.setattr(usage, "demand_one_disk", lambda _folders: "any")


def test_a_worker_is_seen_at_work() -> None:
    """For a part of the time, in the parts that each request goes through."""
    cell = Cell(workers=1, connections=CONNECTIONS, counters=1)
    with stand.stand([BATCHED], workers=[1], threads=CONNECTIONS) as ready:
        [profile] = profiles_of(ready, cell, [BATCHED])

    [looks] = profile.looks
    assert 0 < looks.seen.total() <= looks.number
    assert profile.lock_microseconds("gunicorn", "Flask, Werkzeug and what extends them") > 0
    assert profile.rate > 0
    assert profile.cpu_microseconds("store") > 0


def test_what_requests_wait_for_adds_up() -> None:
    """The steps of a write are no more than the whole; a route that writes nothing has none."""
    cell = Cell(workers=2, connections=CONNECTIONS, counters=1, share=0.5)
    with stand.stand([BARE, TIMED], workers=[2], threads=CONNECTIONS) as ready:
        [bare, _] = waits(ready, BARE, cell, RATE)
        [everyone, slow] = waits(ready, TIMED, cell, RATE)

    assert bare.to_write is None
    for each in (everyone, slow):
        steps = [each.to_write or 0.0, each.writing or 0.0, each.to_go_on or 0.0]
        assert min(steps) > 0.0
        assert sum(steps) < each.total
    assert slow.total > everyone.total
    assert slow.number < everyone.number
    assert everyone.processors[GUNICORN] > 0
    assert everyone.processors[SERVING] > 0

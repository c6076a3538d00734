"""A profile as short as it gets, with py-spy, Elasticsearch and the accounts of Linux: it finds what there is."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks import profiling, sampling, slowest, stand, usage
from benchmarks.figures import Cell
from benchmarks.processors import ALL
from benchmarks.profiling import BATCHED, profiles_of
from benchmarks.routes.timed import written_notes
from benchmarks.slowest import GROUPS, GUNICORN, SERVING, TIMED, waits
from benchmarks.targets import BARE

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has its processors"),
    pytest.mark.skipif(os.geteuid() != 0, reason="root alone may look at any process with py-spy"),
    pytest.mark.usefixtures("elasticsearch_environment"),
]

CONNECTIONS = 8
RATE = 300.0
SLACK = 0.1
"""Processors, for accounts in hundredths of a second."""


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Measure and sample once, with patience for a machine that other tests keep busy, and on any disk."""
    monkeypatch.setattr(profiling, "TURNS", 1)
    monkeypatch.setattr(sampling, "STARTING", 10.0)
    monkeypatch.setattr(slowest, "SECONDS", 2.0)
    monkeypatch.setattr(stand, "LOGS", tmp_path)
    monkeypatch.setattr(usage, "demand_one_disk", lambda _folders: "any")


def test_a_worker_is_found_at_work() -> None:
    """For a part of the time, in the parts that each request goes through."""
    cell = Cell(workers=1, connections=CONNECTIONS, counters=1)
    with stand.stand([BATCHED], workers=[1], threads=CONNECTIONS) as ready:
        [profile] = profiles_of(ready, cell, [BATCHED])

    [samples] = profile.samples
    assert 0 < samples.held.total() <= samples.number
    assert profile.lock_microseconds("gunicorn", "Flask, Werkzeug and what extends them") > 0
    assert min(each.speed.rate for each in profile.measured) > 0
    assert min(profile.cpu_microseconds("store")) > 0


def test_every_increment_is_noted_and_all_processors_are_accounted_for() -> None:
    """A route that writes nothing has no steps; those of a write are all that there are in the strategy."""
    cell = Cell(workers=2, connections=CONNECTIONS, counters=1, share=0.5)
    with stand.stand([BARE, TIMED], workers=[2], threads=CONNECTIONS) as ready:
        [bare, _] = waits(ready, BARE, cell, RATE)
        [everyone, _] = waits(ready, TIMED, cell, RATE)
        increments = sum(ready.elasticsearch.values(stand.counter_ids(TIMED, cell)))
        noted = sum(len([*written_notes(worker)]) for worker in ready.workers(TIMED, cell))

    assert increments == noted > everyone.number > 0
    assert bare.in_strategy is None
    told = (everyone.behind, everyone.to_write, everyone.writing, everyone.to_go_on)
    steps = [step or 0.0 for step in told]
    assert min(steps) > 0.0
    assert pytest.approx(sum(steps)) == everyone.in_strategy
    known = sum(everyone.had[group].ran for group in GROUPS)
    assert everyone.had[GUNICORN].ran > 0 < everyone.had[SERVING].ran
    assert known < everyone.had[ALL].ran + SLACK

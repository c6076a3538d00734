"""What a profile makes of the stacks that were seen, and its table of what was measured."""

from collections import Counter

import pytest

from benchmarks.figures import Cell
from benchmarks.profiling import LOOKING, LOOKS, PROJECT, REST, Profile, part_of, parts_of, rows
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


def test_shares_are_of_the_looks_and_figures_of_what_nobody_looked_at() -> None:
    """Looking slows a worker down; how far is told."""
    cell = Cell(workers=2, connections=32, counters=1)
    profile = Profile(
        measured=measured("bare", cell, rate=2000, cpu={"gunicorn": 0.5, "store": 0.1, "load": 0.2}),
        looked_at=measured("bare", cell, rate=1500, cpu={"gunicorn": 0.9}),
        seen=Counter({"metrics": round(LOOKS * LOOKING / 4), REST: round(LOOKS * LOOKING / 4)}),
    )

    head, row = rows([profile])
    assert {
        "": "bare: 2 workers, 32 connections, one counter",
        "metrics": "50%",
        "the rest": "50%",
        "log": "0%",
        "the lock is held": "50%",
        "increments/s meanwhile": "1,500",
        "unseen": "2,000",
        "CPU of an increment": "500 µs",
        "processors: gunicorn": "1.00",
        "the store": "0.20",
        "the load": "0.40",
    }.items() <= dict(zip(head, row, strict=True)).items()

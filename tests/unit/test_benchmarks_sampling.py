"""What py-spy is asked for, and what is made of the stacks that it has found."""

import subprocess
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import sampling
from benchmarks.errors import BenchmarkError
from benchmarks.sampling import (
    PARTS,
    PROJECT,
    RATE,
    REST,
    SAMPLES,
    SECONDS,
    STARTING,
    Samples,
    part_of,
    parts_of,
    sample,
)

LIBRARY = "/home/gunicorn/flask/.venv/lib/python3.11/site-packages/"
WITHIN = f"{PROJECT}.venv/lib/python3.11/site-packages/"
VIEW = f"full_dispatch_request ({LIBRARY}flask/app.py:900);increment ({PROJECT}service/api/increments.py:12)"
DONE = "py-spy> Wrote raw flamegraph data to 'stacks'. Samples: 2 Errors: 0\n"


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        ("dumps (/usr/lib/python3.11/json/__init__.py:231)", "the API and its rules"),
        (f"inc ({LIBRARY}prometheus_client/metrics.py:9)", "metrics"),
        (f"inc ({WITHIN}prometheus_client/metrics.py:9)", "metrics"),
        (f"read ({PROJECT}service/server/worker.py:20)", "the service's part of the server"),
        (f"post_worker_init ({PROJECT}gunicorn.conf.py:20)", "the service's part of the server"),
        (f"add ({PROJECT}tests/fakes.py:20)", "storage"),
        (f"_as_bytes ({PROJECT}service/logs.py:9);encode ({PROJECT}service/json_text.py:20)", "log"),
        (f"dispatch ({LIBRARY}flask_smorest/blueprint.py:20)", "Flask, Werkzeug and what extends them"),
        (f"default ({LIBRARY}an_orjson/encoder.py:20)", "the API and its rules"),
    ],
)
def test_the_innermost_known_frame_says_what_was_at_work(frame: str, part: str) -> None:
    """What has no part works for who has called it, and what the folders above are called does not matter."""
    assert part == part_of(f"{VIEW};{frame}")


def test_what_belongs_to_nothing_is_the_rest() -> None:
    """As a thread that begins."""
    assert REST == part_of("_bootstrap (/opt/gunicorn/lib/python3.11/threading.py:995)")


def test_the_project_has_what_belongs_to_parts() -> None:
    """Or what was renamed would count for another part."""
    packages = {"flask", "gunicorn", "elasticsearch", "elastic_transport", "urllib3", "redis", "structlog"}
    packages |= {"werkzeug", "webargs", "marshmallow", "apispec", "blinker", "prometheus_client"}
    own = [path for paths in PARTS.values() for path in paths if path.split("/")[0] not in packages]

    assert [] == [path for path in own if not Path(PROJECT, path).exists()]


def test_samples_are_added_up() -> None:
    """Also those of different stacks in the same part."""
    lines = [f"{VIEW} 3", f"{VIEW};loads (json.py:1) 4", "main (a.py:1) 1"]

    assert {"the API and its rules": 7, REST: 1} == parts_of(lines)


class Spy:
    """py-spy, which ends with a code after so many seconds, and has found a worker in the log twice."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        code: int = 0,
        seconds: float = SECONDS,
        said: str = DONE,
        worker: bool = True,
    ) -> None:
        self.command: list[str] = []
        ended = iter((100.0, 100.0 + seconds))

        def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            self.command = command
            Path(command[-1]).write_text(f"inc ({LIBRARY}structlog/_base.py:9) 2\n")
            return subprocess.CompletedProcess(command, code, "", said)

        monkeypatch.setattr(sampling, "subprocess", SimpleNamespace(run=run))
        monkeypatch.setattr(sampling, "psutil", SimpleNamespace(pid_exists=lambda _: worker))
        monkeypatch.setattr(sampling, "time", SimpleNamespace(monotonic=lambda: next(ended)))


def test_a_worker_is_sampled_for_who_holds_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone, so often a second, for so many seconds, and with the whole names of files."""
    spy = Spy(monkeypatch)

    assert Samples(Counter({"log": 2}), 92, ended=100.0 + SECONDS) == sample(7)
    asked = " ".join(spy.command)
    assert f"/py-spy record --pid 7 --gil --rate {RATE} --duration {SECONDS} --format raw" in asked
    assert " --full-filenames " in asked


def test_samples_that_failed_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether the lock was held then."""
    Spy(monkeypatch, said=DONE.replace("Errors: 0", "Errors: 12"))

    samples = sample(1)

    assert 80 == samples.number
    assert 2 / 80 == samples.share(["log", "metrics"])


@pytest.mark.parametrize("seconds", [SECONDS / 2, SECONDS + STARTING])
def test_it_may_take_shorter_or_longer(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """For so many samples at random intervals; the load goes on for that long."""
    Spy(monkeypatch, seconds=seconds)

    assert SAMPLES == sample(1).number


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"code": 1, "said": "Permission Denied\n"}, "as root: Permission Denied$"),
        ({"said": "process ended\n"}, "as root: process ended$"),
        ({"said": DONE.replace("Errors: 0", f"Errors: {SAMPLES}")}, f"as root: .*Errors: {SAMPLES}"),
        ({"worker": False}, "has ended: py-spy> Wrote"),
        ({"seconds": SECONDS + STARTING + 0.1}, "took 5.1 s to sample for 3 s: py-spy> Wrote"),
    ],
)
def test_a_worker_that_was_not_sampled_throughout_is_refused(
    how: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With py-spy's own words: it may not, the worker has ended, or the load had before it was done."""
    Spy(monkeypatch, **how)

    with pytest.raises(BenchmarkError, match=why):
        sample(1)

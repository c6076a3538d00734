"""What gunicorn is told: by the service's settings, and by GUNICORN_CMD_ARGS over them."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from benchmarks.applications import in_place_of_the_service
from localnode.serving import serving, serving_without_index
from service.settings import Settings
from tests.api import Api


def workers(log: Path) -> int:
    """Count the workers that gunicorn has said it started."""
    return log.read_text().count("Booting worker")


def test_gunicorns_own_arguments_win(client: Elasticsearch, settings: Settings, tmp_path: Path) -> None:
    """GUNICORN_CMD_ARGS overrides a setting of the service, and leaves the others as they are."""
    environment = {
        "COUNTERS_ALIAS": settings.counters_alias,
        "WORKERS": "3",
        "LOG_FORMAT": "json",
        "GUNICORN_CMD_ARGS": "--workers 1",
    }

    with serving(environment, log=tmp_path / "log") as service, Api(service.url) as api:
        ready = api.get("/readyz")

        assert 200 == ready.status_code
        assert 1 == workers(service.log)
        assert '"message":"Listening at' in service.log.read_text()


def ended(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start the service with settings that it cannot be started with, and return what has become of it."""
    return subprocess.run(
        [sys.executable, "-m", "gunicorn"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("option", ["--proxy-protocol", "--protocol uwsgi", f"--certfile {__file__}"])
def test_what_it_does_not_speak_is_refused_at_the_start(option: str) -> None:
    """Who asks for another protocol is told, rather than its callers that they speak no HTTP."""
    gunicorn = ended({"PORT": "0", "GUNICORN_CMD_ARGS": option})

    assert 0 != gunicorn.returncode
    assert "speaks plain HTTP" in gunicorn.stderr


def test_wrong_settings_end_it_with_a_sentence() -> None:
    """Whoever starts the service is told all that is wrong with the settings, and not where in the code that shows."""
    gunicorn = ended({"PORT": "http", "IDEMPOTENCY_LOG_SIZE": "0"})

    assert 0 != gunicorn.returncode
    assert "The settings are refused: " in gunicorn.stderr
    assert "PORT" in gunicorn.stderr
    assert "IDEMPOTENCY_LOG_SIZE" in gunicorn.stderr
    assert "Traceback" not in gunicorn.stderr


LEFT_ALONE_AT_FIRST = gc.get_freeze_count()
"""In a worker that imports this, as its application: how many objects it leaves alone because its master did."""


def collected(_environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer which worker this is, how many objects its garbage collector left alone at first and does, and visits."""
    body = f"{os.getpid()} {LEFT_ALONE_AT_FIRST} {gc.get_freeze_count()} {len(gc.get_objects())}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def test_a_workers_garbage_collector_leaves_the_application_alone(tmp_path: Path) -> None:
    """To visit what lives as long as the worker would stop all its callers; what its master had already, it shares."""
    environment = {**in_place_of_the_service(f"{__name__}:collected"), "WORKERS": "1"}
    with serving_without_index(environment, log=tmp_path / "log") as service, Api(service.url) as api:
        _, at_first, left_alone, visited = map(int, api.get("/").text.split())

    assert left_alone > at_first > 10 * visited > 0


def whose(url: str) -> tuple[int, int]:
    """Return which worker answers a new connection, and how many objects it left alone at first."""
    with Api(url) as api:
        worker, at_first, *_ = map(int, api.get("/").text.split())
        return worker, at_first


def test_what_settings_leave_behind_that_are_read_again_is_collected(tmp_path: Path) -> None:
    """A master that lives for months hands on no more to its workers each time."""
    environment = {**in_place_of_the_service(f"{__name__}:collected"), "WORKERS": "1"}
    numbers = []
    with serving_without_index(environment, log=tmp_path / "log") as service:
        worker, _ = whose(service.url)
        for _ in range(6):
            service.process.send_signal(signal.SIGHUP)
            former = worker
            while worker == former:
                worker, left_alone_at_first = whose(service.url)
            numbers.append(left_alone_at_first)

    # It would be some 70 objects each time. The first times bring others, once.
    assert max(numbers[3:]) - numbers[2] < 100

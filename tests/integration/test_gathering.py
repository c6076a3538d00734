"""Requests that gather: a worker serves any number of them at a time, beside its threads."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.applications import in_place_of_the_service
from localnode.serving import serving_without_index
from service.tasks import Latch, TaskLatch, latch, sleep
from tests.api import Api

MANY: Final = 20
THREADS: Final = 2
SECONDS: Final = 60.0

_gathered: list[Latch | TaskLatch] = []
_may_end = threading.Event()


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer the thread's name: at once, once there are many that gather, or once it is told to."""
    match environ["PATH_INFO"]:
        case "/batched/meet":
            _gathered.append(door := latch())
            if MANY == len(_gathered):
                for each in _gathered:
                    each.open()
            assert door.wait(SECONDS)
        case "/batched/hold":
            while not _may_end.is_set():
                sleep(0.01)
        case "/other/hold":
            assert _may_end.wait(SECONDS)
        case "/batched/end":
            _may_end.set()
    name = threading.current_thread().name.encode()
    start_response("200 OK", [("Content-Length", str(len(name)))])
    return [name]


@pytest.fixture
def api(tmp_path: Path) -> Iterable[Api]:
    """A client of that application under the service's own gunicorn configuration, with one worker."""
    environment = {
        **in_place_of_the_service(f"{__name__}:application"),
        "WORKERS": "1",
        "THREADS": str(THREADS),
    }
    with serving_without_index(environment, log=tmp_path / "log") as service, Api(service.url) as api:
        yield api


def test_more_meet_than_there_are_threads(api: Api) -> None:
    """All of them in the main thread, each of which ends once the last has come."""
    with ThreadPoolExecutor(MANY) as pool:
        answers = [*pool.map(lambda _: Api(api.base).post("/batched/meet").text, range(MANY))]

    assert ["MainThread"] * MANY == answers


def test_neither_keeps_the_other_waiting(api: Api) -> None:
    """While all threads are taken those that gather are served, and the other way round; a list waits for a thread."""
    with ThreadPoolExecutor(THREADS + 2) as pool:
        gathers = pool.submit(Api(api.base).post, "/batched/hold")
        beside = api.post("/other").text
        others = [pool.submit(Api(api.base).post, "/other/hold") for _ in range(THREADS)]
        alone = api.post("/batched/alone").text
        listed = pool.submit(Api(api.base).post, "/batched")
        assert not gathers.done()
        api.post("/batched/end")
        for each in (gathers, *others):
            each.result(SECONDS)

    assert "MainThread" == alone
    assert "MainThread" not in {beside, listed.result(SECONDS).text}

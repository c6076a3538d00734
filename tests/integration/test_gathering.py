"""What a worker says of the requests that gather, which a group commit relies on, and how many it serves at a time."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.applications import in_place_of_the_service
from localnode.processes import wait_until
from localnode.serving import serving_without_index
from service.admission import UNDER_WAY
from service.tasks import Latch, TaskLatch, latch, sleep
from tests.api import Api

MANY: Final = 20
THREADS: Final = 2
SECONDS: Final = 60.0

_gathered: list[Latch | TaskLatch] = []
_may_end = threading.Event()


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer how many requests gather: at once, once there are many that do, or once it is told to."""
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
        case "/end":
            _may_end.set()
    count = str(UNDER_WAY.count).encode()
    start_response("200 OK", [("Content-Length", str(len(count)))])
    return [count]


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


def test_those_that_gather_are_counted(api: Api) -> None:
    """More of them than there are threads meet, the first that ends has seen all, and none are left in the end."""
    with ThreadPoolExecutor(MANY) as pool:
        answers = [*pool.map(lambda _: Api(api.base).post("/batched/meet").json(), range(MANY))]

    assert MANY == max(answers)
    assert wait_until(lambda: api.post("/other").json() == 0, timeout=SECONDS)


def test_others_are_not(api: Api) -> None:
    """A slow request of another kind is nobody to wait for."""
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(Api(api.base).post, path) for path in ("/batched/hold", "/other/hold")]
        seen = wait_until(lambda: api.post("/other").json() == 1, timeout=SECONDS)
        alone = api.post("/batched").json()
        api.post("/end")
        for each in held:
            each.result(SECONDS)

    assert seen
    assert 2 == alone

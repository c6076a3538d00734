"""What a worker says of the requests that gather in its threads, which a group commit relies on."""

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
from tests.api import Api

THREADS: Final = 4
SECONDS: Final = 60.0

_meeting = threading.Barrier(THREADS)
_may_end = threading.Event()


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer how many requests gather: at once, once all threads have one that does, or once it is told to."""
    match environ["PATH_INFO"]:
        case "/batched/meet":
            _meeting.wait(SECONDS)
        case "/batched/hold" | "/other/hold":
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
    """Each sees as many as have a thread, and none once they have ended."""
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [*pool.map(lambda _: Api(api.base).post("/batched/meet").json(), range(THREADS))]

    assert THREADS in answers
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

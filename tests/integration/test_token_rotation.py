"""Tokens that are changed while the service runs: it reads them anew at a SIGHUP."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from localnode.serving import Service, serving
from service.access import Scope, make_token
from service.settings import Settings
from tests.api import Api
from tests.wire import Wire, request

WORKERS = 2

OLD, OLD_LINE = make_token("billing", frozenset({Scope.ADMIN}))
NEW, NEW_LINE = make_token("billing", frozenset({Scope.ADMIN}))


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """The file of tokens, which has one at first."""
    file = tmp_path / "tokens"
    file.write_text(OLD_LINE.as_line())
    return file


@pytest.fixture
def running(client: Elasticsearch, settings: Settings, tokens: Path, tmp_path: Path) -> Iterator[Service]:
    """A service that a test may meddle with."""
    environment = {
        "COUNTERS_ALIAS": settings.counters_alias,
        "ACCESS_TOKENS_FILE": str(tokens),
        "WORKERS": str(WORKERS),
    }
    with serving(environment, log=tmp_path / "log") as service:
        yield service


def test_one_token_takes_anothers_place(running: Service, tokens: Path) -> None:
    """Both are valid while the file has both, and each only as long as it has it."""
    before = statuses(running)
    tokens.write_text(f"{OLD_LINE.as_line()}\n{NEW_LINE.as_line()}\n")
    reload(running, times=1)
    between = statuses(running)
    tokens.write_text(NEW_LINE.as_line())
    reload(running, times=2)
    after = statuses(running)

    assert [(200, 401), (200, 200), (401, 200)] == [before, between, after]


@pytest.mark.parametrize(
    "mistake", [f"name=billing scopes=admin sha256={NEW}", ""], ids=["a token", "nothing"]
)
def test_a_mistake_changes_nothing(running: Service, tokens: Path, mistake: str) -> None:
    """The service goes on with the tokens it had, says why, and does not say what stands in the file."""
    tokens.write_text(mistake)
    reload(running, times=1)

    assert (200, 401) == statuses(running)
    log = running.log.read_text()
    assert 1 == log.count("The settings are refused")
    assert NEW not in log


def test_a_file_that_is_gone_changes_nothing(running: Service, tokens: Path) -> None:
    """Nor does it open the service to everybody when the file cannot be read."""
    tokens.unlink()
    reload(running, times=1)

    assert (200, 401) == statuses(running)
    assert 1 == running.log.read_text().count("The settings are refused")


def test_what_is_under_way_is_finished(running: Service, counter_id: str) -> None:
    """A request that a worker has begun before it is replaced gets its answer."""
    with Wire(running.url) as wire:
        head = (f"Authorization: Bearer {OLD}", "Content-Type: application/json", "Content-Length: 8")
        wire.send(request(f"/occ/{counter_id}", *head, "Expect: 100-continue"))
        begun = wire.receive()
        running.process.send_signal(signal.SIGHUP)
        await_lines(running, "Booting worker", 2 * WORKERS)
        wire.send(b'{"by":7}')
        answer = wire.receive()

    assert (100, 200, 7) == (begun.status_code, answer.status_code, answer.json()["value"])


def statuses(service: Service) -> tuple[int, int]:
    """Return what the old and the new token get."""
    return status_for(service, OLD), status_for(service, NEW)


def status_for(service: Service, secret: str) -> int:
    """Return what a token gets, on a connection of its own."""
    with Api(service.url) as api:
        return api.get("/counters", headers={"Authorization": f"Bearer {secret}"}).status_code


def reload(service: Service, *, times: int) -> None:
    """Have the settings read anew, for the so-manieth time, and return when every worker has been replaced."""
    service.process.send_signal(signal.SIGHUP)
    await_lines(service, "Worker exiting", times * WORKERS)


def await_lines(service: Service, text: str, count: int) -> None:
    """Return once the service has logged so many lines with a text; fail if it takes longer than a minute."""
    deadline = time.monotonic() + 60
    while (found := service.log.read_text().count(text)) < count:
        assert service.process.poll() is None, service.log.read_text()
        assert time.monotonic() < deadline, f"{found} of {count} times {text!r}"
        time.sleep(0.05)

"""Problems that only a broken world shows: no Elasticsearch, a bug, writers without end."""

import socket
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service import create_app
from service.api.rejections import EXAMPLES
from service.errors import Outcome, StorageUnavailable, VersionConflict
from service.settings import Settings
from tests.endpoints import ALL, LISTS, SET, SINGLES, Endpoint
from tests.fakes import InMemoryCounters
from tests.problems import DOCUMENTED, check, problem_in
from tests.strategies import EXACT
from tests.wire import Answer, Wire

WRITES = {**SINGLES, "set": SET}


@pytest.fixture(scope="module")
def nowhere() -> Iterator[int]:
    """A port of this machine at which nothing listens, nor will while it is in use."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture(scope="module")
def cut_off(nowhere: int) -> Flask:
    """The service without an Elasticsearch."""
    return create_app(Settings(elasticsearch_url=(f"http://127.0.0.1:{nowhere}",)))


@pytest.mark.parametrize("endpoint", WRITES.values(), ids=WRITES)
def test_applies_nothing_without_elasticsearch(cut_off: Flask, nowhere: int, endpoint: Endpoint) -> None:
    """A write that cannot reach Elasticsearch is a 503 that says it was not applied, and when to repeat it."""
    answer = send(cut_off.test_client(), endpoint)

    problem = problem_in(answer, 503, "unavailable")
    assert ("not-applied", "1") == (problem["outcome"], answer.headers["retry-after"])
    assert str(nowhere) not in answer.text


@pytest.mark.parametrize("endpoint", LISTS.values(), ids=LISTS)
def test_applies_no_item_without_elasticsearch(cut_off: Flask, nowhere: int, endpoint: Endpoint) -> None:
    """Each item of a list that cannot reach Elasticsearch says that it was not applied."""
    answer = send(cut_off.test_client(), endpoint)

    assert (200, 2, 0) == (answer.status_code, answer.json()["failed"], answer.json()["unknown"])
    for problem in answer.json()["results"]:
        check(problem)
        assert ("/problems/unavailable", "not-applied") == (problem["type"], problem["outcome"])
    assert str(nowhere) not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/counters/a"), ("DELETE", "/counters/a"), ("GET", "/counters"), ("GET", "/readyz")],
)
def test_is_not_ready_without_elasticsearch(cut_off: Flask, nowhere: int, method: str, path: str) -> None:
    """Neither reading nor readiness pretends that there is an Elasticsearch."""
    answer = Answer.of(cut_off.test_client().open(path, method=method))

    problem = problem_in(answer, 503, "unavailable")
    assert ("not-applied", "1") == (problem["outcome"], answer.headers["retry-after"])
    assert str(nowhere) not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/openapi.yaml", "/docs"])
def test_lives_without_elasticsearch(cut_off: Flask, path: str) -> None:
    """What needs no Elasticsearch goes on without it, and a restart of the service is not asked for."""
    assert 200 == cut_off.test_client().get(path).status_code


@pytest.mark.parametrize("endpoint", WRITES.values(), ids=WRITES)
def test_does_not_bid_to_repeat_what_may_have_been_applied(endpoint: Endpoint) -> None:
    """A write of unknown outcome is a 503 without Retry-After."""
    lost = StorageUnavailable("Elasticsearch did not answer.", Outcome.UNKNOWN)

    answer = send(failing(lost).test_client(), endpoint)

    assert "unknown" == problem_in(answer, 503, "unavailable")["outcome"]
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("endpoint", [*(SINGLES[strategy] for strategy in EXACT), SET], ids=[*EXACT, "set"])
def test_gives_up_against_writers_without_end(endpoint: Endpoint) -> None:
    """A write that others come before each time is a 409 that may be repeated."""
    answer = send(failing(VersionConflict("a")).test_client(), endpoint)

    assert "not-applied" == problem_in(answer, 409, "conflicts-not-resolved")["outcome"]
    assert "1" == answer.headers["retry-after"]


@pytest.mark.parametrize("endpoint", ALL.values(), ids=ALL)
def test_hides_what_a_bug_says(endpoint: Endpoint) -> None:
    """A bug is a 500 that tells the caller nothing of the code or of where Elasticsearch is."""
    answer = send(failing(RuntimeError("http://elastic:secret@127.0.0.1:9200")).test_client(), endpoint)

    problem_in(answer, 500, "internal-error")
    assert "secret" not in answer.text


def test_says_no_more_than_the_status_of_what_it_does_not_know(wire: Wire) -> None:
    """A refusal by the web framework that the contract does not name has no type of its own."""
    answer = wire.ask("/docs/swagger-ui.css", "Range: bytes=99999999-", method="GET")

    assert (416, "application/problem+json") == (answer.status_code, answer.headers["content-type"])
    assert "about:blank" == answer.json()["type"]


def test_documents_every_kind() -> None:
    """docs/problems.md has every kind of problem there is, and no other."""
    kinds = {example.as_dict()["type"]: str(example.status) for example in EXAMPLES.values()}

    assert kinds == DOCUMENTED


def failing(error: Exception) -> Flask:
    """Return the service on counters in memory, every write to which fails."""
    counters = InMemoryCounters()

    def fail() -> None:
        raise error

    counters.before_write = fail
    return create_app(Settings(conflict_max_attempts=3, conflict_backoff_cap=0), repository=counters)


def send(client: FlaskClient, endpoint: Endpoint) -> Answer:
    """Send a right request to an endpoint."""
    path, body = endpoint.path_for("a"), endpoint.body_with("1", "a")
    return Answer.of(client.open(path, method=endpoint.method, data=body, content_type="application/json"))

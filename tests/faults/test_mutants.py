"""Rows 1 to 4 once more, for services that are broken on purpose: the suite must be able to fail."""

from collections.abc import Callable, Iterator

import pytest

from localnode.serving import serving
from service.settings import Settings
from tests.api import Api
from tests.faults import rows
from tests.faults.cases import Case
from tests.faults.conftest import Start
from tests.faults.figures import Figures, PromiseBroken
from tests.faults.machine import BRIEF, ENVIRONMENT, check
from tests.faults.mutants import MUTANTS, NO_LOG_CHECK, environment_of
from tests.faults.rows import Bench
from tests.faults.tcp_proxy import TcpProxy, tcp_proxy_to
from tests.strategies import EXACT

Row = Callable[[Bench, Case, str], Figures]


@pytest.fixture(scope="module", params=MUTANTS)
def mutant(request: pytest.FixtureRequest) -> str:
    """The name of each mutant in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def _mutated(
    mutant: str, back_proxy: TcpProxy, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    environment = {
        "ELASTICSEARCH_URL": back_proxy.url,
        "COUNTERS_ALIAS": settings.counters_alias,
        "ELASTICSEARCH_TIMEOUT": "2",
        **environment_of(mutant),
    }
    with (
        serving(environment, log=tmp_path_factory.mktemp("mutant") / "log") as service,
        tcp_proxy_to(service.url) as front,
        Api(service.url) as api,
    ):
        yield Bench(front, back_proxy, api)


@pytest.fixture
def mutated(_mutated: Bench, back: TcpProxy) -> Bench:
    """The mutant between two proxies, which just forward at first."""
    return _mutated


def reply_cut(bench: Bench, case: Case, counter_id: str) -> Figures:
    """Put a service through row 2, and return what the first of its counters came to."""
    return rows.reply_cut(bench, case, counter_id)[0]


def status_rewritten(bench: Bench, case: Case, counter_id: str) -> Figures:
    """Put a service through row 3 with one of its statuses."""
    return rows.status_rewritten(bench, case, counter_id, 503)


def conflict_with_itself(bench: Bench, case: Case, counter_id: str) -> Figures:
    """Put a service through row 4, the part of it that is about callers with keys or the one about those without."""
    return (rows.write_repeated if case.keyed else rows.write_lost)(bench, case, counter_id)


@pytest.mark.parametrize("strategy", EXACT)
@pytest.mark.parametrize(
    "row",
    [
        rows.reply_lost,
        pytest.param(reply_cut, marks=pytest.mark.long),
        status_rewritten,
        conflict_with_itself,
    ],
)
def test_a_broken_service_fails(
    mutated: Bench, mutant: str, counter_id: str, strategy: str, row: Row
) -> None:
    """What a service without its safeguard counts twice makes the row fail."""
    figures = row(mutated, Case(strategy, keyed=mutant == NO_LOG_CHECK), counter_id)

    assert figures.difference > 0
    with pytest.raises(PromiseBroken):
        figures.check()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_service_contradicts_itself(start: Start, back: TcpProxy, name: str) -> None:
    """A service without its safeguard says what fits no possible world."""
    service = start({**ENVIRONMENT, **environment_of(name), "ELASTICSEARCH_URL": back.url})

    with Api(service.url) as api, pytest.raises(AssertionError, match="was answered where it can only be"):
        check(api, back, BRIEF)

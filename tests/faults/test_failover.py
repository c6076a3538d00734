"""Rows 7 and 9 with three nodes: the primary's node is killed, and a duplicate is confirmed by its replica too."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

import localnode
from localnode import Cluster
from localnode.serving import Service, serving
from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import Case, for_each, singles
from tests.faults.conftest import Enter
from tests.faults.figures import Figures
from tests.keys import uuid7
from tests.operating import Copies, Operator

# One process runs all of it: nodes are dear, and these tests share theirs.
pytestmark = [pytest.mark.xdist_group("faults-failover"), pytest.mark.long, pytest.mark.timeout(900)]

CALLERS: Final = 2


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of three nodes, which these tests may kill."""
    with localnode.cluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def service(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service that knows all three nodes."""
    with serving(cluster.environment, log=tmp_path_factory.mktemp("failover") / "log") as service:
        yield service


@pytest.fixture(scope="module")
def operator(cluster: Cluster) -> Iterator[Operator]:
    """A client of someone who looks after the cluster."""
    with Operator(cluster) as operator:
        yield operator


@pytest.fixture
def copies(service: Service, operator: Operator) -> Copies:
    """Where the primary is, and where its replica, once both are in step."""
    return operator.copies()


@pytest.mark.parametrize("round_", [1, 2, 3])
def test_a_lost_primary_loses_nothing(
    cluster: Cluster, service: Service, copies: Copies, enter: Enter, counter_id: str, round_: int
) -> None:
    """The node of the primary is killed under load; all that was acknowledged is with its replica, with a key once."""
    cases = [*singles(keyed=True), *singles(keyed=False)]
    crowds = [Crowd(service.url, case, f"{counter_id}-{case}") for case in cases]
    with ExitStack() as stack:
        tallies = [stack.enter_context(crowd.incrementing(callers=CALLERS)) for crowd in crowds]
        for tally in tallies:
            tally.successes(10)()
        copies.primary.kill()
        for tally in tallies:
            tally.successes(10)()
    with Api(service.url) as api:
        of_each = [
            crowd.figures(api, row=9, fault="node of the primary killed under load", struck=1)
            for crowd in crowds
        ]
    copies.primary.start()
    cluster.wait_until_ready()

    # Without a key not even an acknowledgement says that Elasticsearch has not sent it twice between its nodes.
    enter(*(figures if figures.keyed else replace(figures, beyond=CALLERS) for figures in of_each))


@for_each(singles(keyed=True))
def test_a_duplicate_is_not_confirmed_by_the_primary_alone(
    cluster: Cluster,
    service: Service,
    copies: Copies,
    enter: Enter,
    counter_id: str,
    case: Case,
    tmp_path: Path,
) -> None:
    """While the replica cannot confirm a write, no replay of it is a success; and it counts once, whoever dies."""
    primary, replica = copies.primary, copies.replica
    path, key = f"/{case.strategy}/{counter_id}", {"Idempotency-Key": uuid7()}
    environment = {"ELASTICSEARCH_URL": primary.url, "ELASTICSEARCH_TIMEOUT": "1", "REQUEST_TIMEOUT": "2"}
    with serving(environment, log=tmp_path / "log") as through_primary, Api(through_primary.url) as api:
        replica.pause()
        try:
            unconfirmed = [api.post(path, headers=key) for _ in range(3)]
            primary.kill()
        finally:
            replica.resume()
    with Api(service.url) as api:
        answers = (api.post(path, headers=key) for _ in range(100))
        resolved = next(answer for answer in answers if answer.ok)
        primary.start()
        cluster.wait_until_ready()
        again = api.post(path, headers=key)
        stored = api.value_of(counter_id)

    assert [503] * 3 == [answer.status_code for answer in unconfirmed]
    assert [1, 1] == [answer.json()["value"] for answer in (resolved, again)]
    enter(
        Figures(
            row=7,
            fault="replica silent at a duplicate, then primary killed",
            strategy=case.name,
            keyed=True,
            struck=1,
            requested=1,
            unknown=1,
            resolved=1,
            stored=stored,
        )
    )

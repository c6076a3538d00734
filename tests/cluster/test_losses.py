"""Three nodes, two replicas of the service, and the balancer: what is lost of them takes no increment along."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import localnode
from localnode import Cluster
from localnode.balancing import Balanced, balanced
from localnode.serving import Service
from tests.api import Api
from tests.cluster.load import Plan, loading, lose_the_primary
from tests.faults.callers import Crowd
from tests.faults.cases import singles
from tests.operating import Operator

# One process runs all of it: nodes are dear, and these tests share theirs.
pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.long, pytest.mark.timeout(900)]

PLAN: Final = Plan(users=4, increments=150, keys=True)
TOTAL: Final = PLAN.users * PLAN.increments


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of three nodes, which these tests may kill."""
    with localnode.cluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def operator(cluster: Cluster) -> Iterator[Operator]:
    """Someone who looks after it."""
    with Operator(cluster) as operator:
        yield operator


@pytest.fixture
def service(cluster: Cluster, tmp_path: Path) -> Iterator[Balanced]:
    """Two replicas and their balancer, which a test may kill."""
    with balanced({**cluster.environment, "DRAIN_DELAY": "5"}, folder=tmp_path) as service:
        yield service


def kill(replica: Service) -> None:
    """SIGKILL gunicorn's master and its workers, as the end of their machine would."""
    workers = re.findall(r"Booting worker with pid: (\d+)", replica.log.read_text())
    for pid in (replica.process.pid, *map(int, workers)):
        os.kill(pid, signal.SIGKILL)
    replica.process.wait()


def busiest(service: Balanced) -> Service:
    """Return the replica that has answered the most: the balancer sends it all that is asked of the counter."""
    return max(service.replicas, key=lambda replica: replica.log.read_text().count("request answered"))


def figures(report: Path) -> tuple[int, int]:
    """Return how many increments were acknowledged in the end, and what the counter held."""
    (strategy,) = json.loads((report / "verdict.json").read_text())["strategies"]
    return strategy["acknowledged"], strategy["stored"]


@pytest.mark.parametrize("strategy", ["occ", "scripted", "batched"])
def test_the_verdict_holds_through_the_loss_of_the_primary(
    cluster: Cluster, operator: Operator, service: Balanced, strategy: str, tmp_path: Path
) -> None:
    """Under load the primary's node is killed and comes back; with keys, the counter holds exactly what was asked."""
    with loading(service.balancer.url, strategy, *PLAN.options, output=tmp_path / "report") as load:
        lose_the_primary(load, PLAN, cluster, operator, say=print)
        code = load.finish()

    assert (0, TOTAL, TOTAL) == (code, *figures(tmp_path / "report"))


@pytest.mark.parametrize("strategy", ["occ", "scripted", "batched"])
def test_the_verdict_holds_through_the_loss_of_a_replica(
    service: Balanced, strategy: str, tmp_path: Path
) -> None:
    """Under load one replica is killed; with keys, the counter holds exactly what was asked."""
    with loading(service.balancer.url, strategy, *PLAN.options, output=tmp_path / "report") as load:
        load.reach(TOTAL // 2)
        kill(busiest(service))
        code = load.finish()

    assert (0, TOTAL, TOTAL) == (code, *figures(tmp_path / "report"))


def test_nobody_notices_that_a_replica_is_stopped(service: Balanced, counter_id: str) -> None:
    """A replica that is told to stop under load is left alone first: every request is acknowledged at once."""
    crowd = Crowd(service.balancer.url, singles(keyed=False)[-1], counter_id)
    with crowd.incrementing(callers=4) as tally:
        tally.successes(20)()
        code = busiest(service).stop()
        tally.successes(20)()
    with Api(service.balancer.url) as api:
        stored = api.value_of(counter_id)

    assert 0 == code
    assert stored == tally.requested == tally.acknowledged

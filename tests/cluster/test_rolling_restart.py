"""Every replica is restarted, one after the other, while callers count: they notice nothing."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from elasticsearch import Elasticsearch

from localnode import ports
from localnode.balancing import REPLICAS, balancing
from localnode.processes import wait_until
from localnode.serving import Service, serving_without_index
from service.settings import Settings
from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import every_case

pytestmark = pytest.mark.xdist_group("cluster-balancer")

CASES: Final = [*every_case(naive=False)]
"""Each strategy that loses nothing, with keys and without, alone and in lists."""

SECONDS: Final = 120.0
"""How long is waited for what must happen."""


class Fleet:
    """Replicas of the service behind a balancer, each of which can be restarted at its address.

    Attributes:
        replicas: As the balancer has them, from `service-1` on.
        balancer: What stands before them.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, stack: ExitStack) -> None:
        self._environment = environment
        self._folder = folder
        self._stack = stack
        self._ports = [ports.choose_one() for _ in range(REPLICAS)]
        self.replicas = [self._started(number) for number in range(REPLICAS)]
        addresses = [f"127.0.0.1:{port}" for port in self._ports]
        self.balancer = stack.enter_context(balancing(addresses, log=folder / "balancer.log"))

    def _started(self, number: int) -> Service:
        """Start a replica, and return it once it is ready."""
        log, port = self._folder / f"service-{number + 1}.log", self._ports[number]
        return self._stack.enter_context(serving_without_index(self._environment, log=log, port=port))

    def drain(self, number: int) -> None:
        """Tell a replica to stop, and return once the balancer sends it nothing any more."""
        self.replicas[number].process.send_signal(signal.SIGTERM)
        self._await(number, "DOWN")

    def restart(self, number: int) -> int:
        """Have a replica stop that is drained, start it again, and return how it has ended.

        It is back once the balancer sends it requests.
        """
        code = self.replicas[number].stop(timeout=SECONDS)
        self.replicas[number] = self._started(number)
        self._await(number, "UP")
        return code

    def _await(self, number: int, state: str) -> None:
        """Wait until the balancer says of a replica that it is in this state, for the first time."""
        said = f"Server service/service-{number + 1} is {state}"
        assert wait_until(lambda: said in self.balancer.log.read_text(), timeout=SECONDS), said


@pytest.fixture
def fleet(client: Elasticsearch, settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    """The replicas that the balancer's configuration knows, on this process's index.

    They drain until they are told a second time, which the tests do when the balancer has looked away: how long that
    takes is up to the machine.
    """
    environment = {"COUNTERS_ALIAS": settings.counters_alias, "DRAIN_DELAY": "600"}
    with ExitStack() as stack:
        fleet = Fleet(environment, tmp_path, stack)
        yield fleet
        for replica in fleet.replicas:
            replica.process.send_signal(signal.SIGQUIT)  # at once, without draining
            replica.process.wait(SECONDS)


def test_nobody_notices_that_all_replicas_are_restarted(fleet: Fleet, counter_id: str) -> None:
    """Every request under load is acknowledged at once, keyed or not, and each counter holds what was acknowledged."""
    crowds = [Crowd(fleet.balancer.url, case, f"{counter_id}-{case}") for case in CASES]
    before = list(fleet.replicas)
    codes = []
    with ExitStack() as load:
        tallies = [load.enter_context(crowd.incrementing(callers=1)) for crowd in crowds]
        for number in range(REPLICAS):
            fleet.drain(number)
            codes.append(fleet.restart(number))
            for further in [tally.successes(2) for tally in tallies]:
                further()
    with Api(fleet.balancer.url) as api:
        stored = [sum(map(api.value_of, set(crowd.counter_ids))) for crowd in crowds]

    assert [0] * REPLICAS == codes
    assert all(now is not then for now, then in zip(fleet.replicas, before, strict=True))
    assert [0] * len(CASES) == [tally.failed for tally in tallies]
    assert stored == [tally.acknowledged for tally in tallies] == [tally.requested for tally in tallies]

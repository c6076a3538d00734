"""Rows 5 to 7: the node stands still, is killed under load, and is killed as it acknowledges a duplicate."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

import localnode
from localnode import Cluster, Node
from localnode.processes import wait_until
from localnode.serving import Service, serving
from tests.api import Api
from tests.faults.callers import Caller, Crowd
from tests.faults.cases import Case, every_case, for_each, singles
from tests.faults.conftest import Enter
from tests.faults.injuries import lose_reply
from tests.faults.tcp_proxy import Exchange, TcpProxy, tcp_proxy_to

# One process runs all of it: nodes are dear, and these tests share theirs.
pytestmark = [pytest.mark.xdist_group("faults-node"), pytest.mark.timeout(1800)]

CALLERS: Final = 2
SINGLES: Final = [*singles(keyed=True), *singles(keyed=False)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of one node, which these tests may kill."""
    with localnode.cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def node(cluster: Cluster) -> Node:
    """Its node."""
    return cluster.nodes[0]


@pytest.fixture(scope="module")
def between(cluster: Cluster) -> Iterator[TcpProxy]:
    """The proxy before the node."""
    with tcp_proxy_to(cluster.urls[0]) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def behind_proxy(between: TcpProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service that reaches the node through the proxy, and gives up after seconds."""
    environment = {"ELASTICSEARCH_URL": between.url, "ELASTICSEARCH_TIMEOUT": "1", "REQUEST_TIMEOUT": "2"}
    with serving(environment, log=tmp_path_factory.mktemp("proxied") / "log") as service:
        yield service


@pytest.fixture(scope="module")
def direct(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service that reaches the node itself."""
    with serving(cluster.environment, log=tmp_path_factory.mktemp("direct") / "log") as service:
        yield service


@for_each(every_case(naive=False), short=SINGLES)
def test_a_node_that_stood_still_applies_nothing_twice(
    node: Node, between: TcpProxy, behind_proxy: Service, enter: Enter, counter_id: str, case: Case
) -> None:
    """Everybody is answered while the node is paused, and what it does late is not counted again."""
    crowd = Crowd(behind_proxy.url, case, counter_id)
    with crowd.incrementing(callers=CALLERS) as tally:
        tally.successes(10)()
        told = tally.failures(CALLERS)
        node.pause()
        try:
            told()
        finally:
            node.resume()
        tally.successes(10)()
    between.wait_until_idle()

    with Api(behind_proxy.url) as api:
        enter(crowd.figures(api, row=5, fault="node paused, then resumed", struck=1))
    assert 0 == tally.silences


@pytest.mark.parametrize("kills", [pytest.param(1), pytest.param(20, marks=pytest.mark.long)])
def test_a_killed_node_loses_nothing(
    node: Node, direct: Service, enter: Enter, counter_id: str, kills: int
) -> None:
    """Killed under load as often as may be, the node has all that was acknowledged; the service finds it again."""
    crowds = [Crowd(direct.url, case, f"{counter_id}-{case}") for case in SINGLES]
    with Api(direct.url) as api:
        with ExitStack() as stack:
            tallies = [stack.enter_context(crowd.incrementing(callers=CALLERS)) for crowd in crowds]
            for _ in range(kills):
                for tally in tallies:
                    tally.successes(10)()
                told = [tally.failures(1) for tally in tallies]
                node.kill()
                for each in told:
                    each()
                unready = api.get("/readyz").status_code
                node.start()
                node.wait_until_ready()

                assert 503 == unready

        assert 200 == api.get("/readyz").status_code
        enter(*(crowd.figures(api, row=6, fault="node killed under load", struck=kills) for crowd in crowds))


@for_each(singles(keyed=True), short=[Case("scripted", keyed=True), Case("batched", keyed=True)])
def test_an_acknowledged_duplicate_survives(
    node: Node, between: TcpProxy, behind_proxy: Service, enter: Enter, counter_id: str, case: Case
) -> None:
    """A replay that is acknowledged while the node dies is acknowledged for good."""
    crowd = Crowd(behind_proxy.url, case, counter_id)

    def handle(exchange: Exchange) -> None:
        if not exchange.is_write:
            exchange.forward()
        elif not crowd.tally.failed:
            lose_reply(exchange)
        else:
            exchange.forward()
            os.kill(node.pid, signal.SIGKILL)  # and only then is the reply passed on

    between.handle = handle
    with Caller(crowd) as caller:
        caller.increment()
        between.reset()
        died = wait_until(lambda: not node.running, timeout=30.0)
        node.start()
        node.wait_until_ready()
        caller.replay()

    assert died
    with Api(behind_proxy.url) as api:
        enter(crowd.figures(api, row=7, fault="node killed as it acknowledges a duplicate", struck=1))

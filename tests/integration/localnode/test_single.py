"""One node without security, as `make run` has it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

import localnode
from localnode import Cluster, LocalNodeError, Node
from tests.integration.localnode.conftest import Caller

# One process runs all of it: nodes are dear, and these tests share theirs.
pytestmark = pytest.mark.xdist_group("localnode-single")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of one node."""
    with localnode.cluster() as cluster:
        yield cluster


@pytest.fixture
def node(cluster: Cluster) -> Node:
    """Its node."""
    return cluster.nodes[0]


def test_is_the_version_that_the_project_is_built_on(caller: Caller, node: Node) -> None:
    """The node answers with the pinned version."""
    assert localnode.VERSION == caller.get(node.url)["version"]["number"]


def test_knows_the_number_of_the_jvm(caller: Caller, node: Node) -> None:
    """`pid` is what the node itself says, not its launcher's."""
    (process,) = caller.get(f"{node.url}/_nodes/process")["nodes"].values()

    assert process["process"]["id"] == node.pid


def test_does_not_run_as_root(node: Node) -> None:
    """Whoever starts it, the node runs as an ordinary user."""
    assert Path(f"/proc/{node.pid}").stat().st_uid != 0


def test_cannot_be_reached_from_outside(caller: Caller, node: Node) -> None:
    """HTTP and transport are bound to loopback alone."""
    (bound,) = caller.get(f"{node.url}/_nodes/http,transport")["nodes"].values()
    addresses = bound["http"]["bound_address"] + bound["transport"]["bound_address"]

    assert ["127.0.0.1", "127.0.0.1"] == [address.rpartition(":")[0] for address in addresses]


def test_keeps_acknowledged_writes_through_kill_9(caller: Caller, node: Node) -> None:
    """What was acknowledged before a SIGKILL is there after the restart, at the same address."""
    caller.put(f"{node.url}/kept/_doc/1", {"counter": 7})
    before = node.pid

    node.kill()
    dead = not node.running
    node.start()
    node.wait_until_ready()

    assert dead
    assert before != node.pid
    assert {"counter": 7} == caller.get(f"{node.url}/kept/_doc/1")["_source"]


def test_answers_nobody_while_paused(caller: Caller, node: Node) -> None:
    """A paused node accepts connections and stays silent; resumed, it goes on."""
    node.pause()
    try:
        socket.create_connection(("127.0.0.1", int(node.url.rpartition(":")[2])), timeout=5.0).close()
        with (
            urllib3.PoolManager(retries=False, timeout=1.0) as pool,
            pytest.raises(urllib3.exceptions.ReadTimeoutError),
        ):
            pool.request("GET", node.url)
    finally:
        node.resume()

    assert 200 == caller.status(node.url)
    assert node.running


def test_stops_and_starts_again(caller: Caller, node: Node) -> None:
    """A node that was stopped can be started again, on its data; stopping it twice is fine."""
    caller.put(f"{node.url}/stopped/_doc/1", {"counter": 8})

    node.stop()
    node.stop()
    with pytest.raises(LocalNodeError, match="does not run"):
        node.kill()
    node.start()
    node.wait_until_ready()

    assert {"counter": 8} == caller.get(f"{node.url}/stopped/_doc/1")["_source"]


def test_is_not_started_twice(node: Node) -> None:
    """Starting a node that runs is refused."""
    with pytest.raises(LocalNodeError, match="runs already"):
        node.start()

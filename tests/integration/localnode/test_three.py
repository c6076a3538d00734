"""Three nodes that form a cluster."""

from collections.abc import Iterator

import pytest

import localnode
from localnode import Cluster
from tests.integration.localnode.conftest import Caller

# One process runs all of it: nodes are dear, and these tests share theirs.
pytestmark = pytest.mark.xdist_group("localnode-three")

ONE_REPLICA = {"settings": {"number_of_shards": 1, "number_of_replicas": 1}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of three nodes."""
    with localnode.cluster(nodes=3) as cluster:
        yield cluster


def test_is_green_with_a_replica(cluster: Cluster, caller: Caller) -> None:
    """All three nodes have found each other, and a replica has its place."""
    caller.put(f"{cluster.urls[0]}/green", ONE_REPLICA)
    health = caller.get(f"{cluster.urls[2]}/_cluster/health/green?wait_for_status=green&timeout=30s")

    assert ("green", 3) == (health["status"], health["number_of_nodes"])
    assert ",".join(cluster.urls) == cluster.environment["ELASTICSEARCH_URL"]


def test_goes_on_without_the_node_of_the_primary(cluster: Cluster, caller: Caller) -> None:
    """Killed with the primary, a node leaves acknowledged data and writes to the replica, and can come back."""
    index = f"{cluster.urls[0]}/primary"
    caller.put(index, ONE_REPLICA)
    caller.get(f"{cluster.urls[0]}/_cluster/health/primary?wait_for_status=green&timeout=30s")
    caller.put(f"{index}/_doc/1", {"counter": 1})
    (shard,) = [
        shard
        for shard in caller.get(f"{cluster.urls[0]}/_cat/shards/primary?format=json")
        if shard["prirep"] == "p"
    ]
    (victim,) = [node for node in cluster.nodes if node.name == shard["node"]]
    survivor = next(node for node in cluster.nodes if node is not victim)

    victim.kill()
    written = caller.put(f"{survivor.url}/primary/_doc/1", {"counter": 2})
    victim.start()
    cluster.wait_until_ready()

    assert 2 == written["_primary_term"]
    assert {"counter": 2} == caller.get(f"{victim.url}/primary/_doc/1")["_source"]

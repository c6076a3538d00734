"""docker-compose.cluster.yml and docker/haproxy.cfg fit the service and each other."""

import re
from collections.abc import Iterable
from typing import Final

import pytest

from service.settings import Settings
from tests.composing import ALONE, CLUSTER, ROOT

BALANCER: Final = (ROOT / "docker" / "haproxy.cfg").read_text()
NODES: Final = {name: node for name, node in CLUSTER.items() if name.startswith("elasticsearch-")}
REPLICAS: Final = {name: replica for name, replica in CLUSTER.items() if name.startswith("service-")}


def seconds(name: str) -> float:
    """Return a time of the balancer's."""
    (found,) = re.findall(rf"\b{name} (\d+)s\b", BALANCER)
    return float(found)


def test_every_container_but_the_balancer_is_that_of_the_small_setup() -> None:
    """What is hardened and secured there is here, too; but for what looks on, which stands for itself."""
    extended = {name: container["extends"] for name, container in CLUSTER.items() if name != "balancer"}

    assert {"docker-compose.yml"} == {each["file"] for each in extended.values()}
    parts = {name for name, container in ALONE.items() if container.get("profiles") != ["observe"]}
    assert parts == {each["service"] for each in extended.values()}


def test_the_balancer_is_hardened() -> None:
    """It has what the project's own containers have, and its configuration cannot be written to."""
    for name in ("read_only", "cap_drop", "security_opt"):
        assert ALONE["service"][name] == CLUSTER["balancer"][name]
    assert all(volume.endswith(":ro") for volume in CLUSTER["balancer"]["volumes"])


def test_nodes_trust_nobody_without_a_certificate_in_its_name() -> None:
    """The transport layer is encrypted, and both sides are looked at, by the name they are reached by."""
    for name, node in NODES.items():
        settings = node["environment"]
        transport = {
            key.removeprefix("xpack.security.transport.ssl."): value
            for key, value in settings.items()
            if key.startswith("xpack.security.transport.ssl.")
        }

        assert "true" == transport["enabled"]
        assert ("full", "required") == (transport["verification_mode"], transport["client_authentication"])
        assert [name] * 2 == [settings["node.name"], settings["transport.publish_host"]]


def test_every_node_has_a_key_of_its_own() -> None:
    """No node can read another's, and `setup` makes one for each."""
    assert set(NODES) == set(CLUSTER["setup"]["environment"]["NODES"].split())
    for name, node in NODES.items():
        assert [f"{name}-data", f"{name}-secrets"] == [volume.split(":")[0] for volume in node["volumes"]]
        assert f"{name}-secrets:/for-{name}" in CLUSTER["setup"]["volumes"]


def test_everybody_knows_everybody() -> None:
    """Each replica is told of all nodes, each node of the others, and the balancer of each replica."""
    urls = [f"https://{name}:9200" for name in NODES]
    for container in (*REPLICAS.values(), CLUSTER["init"]):
        assert urls == container["environment"]["ELASTICSEARCH_URL"].split(",")
    for node in NODES.values():
        assert list(NODES) == node["environment"]["discovery.seed_hosts"].split(",")
    assert {f"{name}:8000" for name in REPLICAS} == set(CLUSTER["balancer"]["environment"].values())


@pytest.mark.parametrize("name", [*NODES, *REPLICAS, "init"])
def test_only_the_balancer_is_published(name: str) -> None:
    """What is behind it can be reached by nobody else."""
    networks: Iterable[str] = CLUSTER[name].get("networks", ["storage"])

    assert not CLUSTER[name].get("ports")
    assert "callers" not in networks


def test_a_replica_goes_on_serving_until_the_balancer_has_looked_away() -> None:
    """It is drained for longer than it takes to fail, each look taking up to its time, and then given its time."""
    (looks,) = re.findall(r"\bfall (\d+)\b", BALANCER)
    (replica,) = {replica["environment"]["DRAIN_DELAY"] for replica in REPLICAS.values()}
    alone = ALONE["service"]

    assert float(looks) * seconds("check inter") < replica
    assert replica + alone["environment"]["GRACEFUL_TIMEOUT"] < int(alone["stop_grace_period"].rstrip("s"))


def test_the_service_says_itself_what_became_of_a_request() -> None:
    """The balancer waits longer for an answer, or for readiness, than the service takes for it."""
    settings = Settings()

    assert settings.request_timeout < seconds("timeout server")
    assert settings.elasticsearch_timeout < seconds("timeout check")
    assert settings.request_timeout == seconds("timeout http-request")

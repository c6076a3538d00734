"""One node with security."""

from collections.abc import Iterator

import pytest
import urllib3

import localnode
from localnode import Cluster
from tests.integration.localnode.conftest import Caller

# One process runs all of it: nodes are dear, and these tests share theirs.
pytestmark = pytest.mark.xdist_group("localnode-secured")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A secured cluster of one node."""
    with localnode.cluster(secure=True) as cluster:
        yield cluster


def test_lets_its_superuser_in(cluster: Cluster, caller: Caller) -> None:
    """The certificate is valid for its address under the CA given, and the password opens the cluster."""
    who = caller.get(f"{cluster.urls[0]}/_security/_authenticate")

    assert "elastic" == who["username"]
    assert ["superuser"] == who["roles"]


def test_refuses_a_wrong_password(cluster: Cluster) -> None:
    """A wrong password is a 401."""
    caller = Caller(cluster, password="wrong")  # noqa: S106 - wrong on purpose

    assert 401 == caller.status(cluster.urls[0])
    caller.close()


def test_is_trusted_for_its_own_ca_only(cluster: Cluster) -> None:
    """A client that trusts the system's authorities alone refuses the certificate."""
    with (
        urllib3.PoolManager(retries=False) as pool,
        pytest.raises(urllib3.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        pool.request("GET", cluster.urls[0])


def test_speaks_no_plain_http(cluster: Cluster) -> None:
    """Without TLS there is no answer."""
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.ProtocolError):
        pool.request("GET", cluster.urls[0].replace("https", "http"))


def test_keeps_the_password_to_itself(cluster: Cluster) -> None:
    """The file with the password is readable for its owner alone."""
    assert cluster.ca_certs is not None
    file = cluster.ca_certs.parent / "password"

    assert cluster.password == file.read_text()
    assert 0o600 == file.stat().st_mode & 0o777


def test_tells_a_program_how_to_log_in(cluster: Cluster) -> None:
    """The environment for a program holds address, login and CA."""
    assert {
        "ELASTICSEARCH_URL": cluster.urls[0],
        "ELASTICSEARCH_USERNAME": "elastic",
        "ELASTICSEARCH_PASSWORD": cluster.password,
        "ELASTICSEARCH_CA_CERTS": str(cluster.ca_certs),
    } == cluster.environment

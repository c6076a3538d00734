"""What a node is told."""

from pathlib import Path

import pytest

from localnode.distribution import Distribution
from localnode.java import Java
from localnode.records import NodeFiles
from localnode.settings import NodeSettings


@pytest.fixture
def distribution(tmp_path: Path) -> Distribution:
    """A distribution that has no optional module yet."""
    home = tmp_path / "home"
    (home / "modules").mkdir(parents=True)
    (home / "config").mkdir()
    (home / "config" / "jvm.options").write_text("-XX:+UseG1GC\n")
    return Distribution(home, Java(home / "jdk" / "bin" / "java", "bundled JDK"))


def settings(*, nodes: int = 1, index: int = 0, secure: bool = False) -> NodeSettings:
    """Return one node's settings in a cluster of a number of nodes."""
    return NodeSettings(
        index=index,
        names=tuple(f"node-{number}" for number in range(1, nodes + 1)),
        http_port=19200 + index,
        transport_ports=tuple(range(19300, 19300 + nodes)),
        heap="512m",
        secure=secure,
    )


def test_listens_on_loopback_only(distribution: Distribution, tmp_path: Path) -> None:
    """A node binds to 127.0.0.1 and no other address."""
    told = settings().as_mapping(distribution, NodeFiles(tmp_path))

    assert "127.0.0.1" == told["network.host"]
    assert [] == [name for name in told if name.endswith(("bind_host", "publish_host"))]


def test_goes_on_writing_on_a_full_disk(distribution: Distribution, tmp_path: Path) -> None:
    """The watermarks that block writes on a developer's full disk are off."""
    told = settings().as_mapping(distribution, NodeFiles(tmp_path))

    assert False is told["cluster.routing.allocation.disk.threshold_enabled"]


def test_takes_snapshots_beside_its_data(distribution: Distribution, tmp_path: Path) -> None:
    """A single node may keep snapshots, in a folder of its own; several would have to share one."""
    files = NodeFiles(tmp_path)

    assert str(files.own / "snapshots") == settings().as_mapping(distribution, files)["path.repo"]
    assert "path.repo" not in settings(nodes=3).as_mapping(distribution, files)


def test_forms_a_cluster_of_three(distribution: Distribution, tmp_path: Path) -> None:
    """Each of three nodes knows all three, and speaks on its own port."""
    told = settings(nodes=3, index=1).as_mapping(distribution, NodeFiles(tmp_path))

    assert "node-2" == told["node.name"]
    assert 19301 == told["transport.port"]
    assert ["127.0.0.1:19300", "127.0.0.1:19301", "127.0.0.1:19302"] == told["discovery.seed_hosts"]
    assert ["node-1", "node-2", "node-3"] == told["cluster.initial_master_nodes"]
    assert "discovery.type" not in told


@pytest.mark.parametrize("present", [True, False])
def test_switches_off_only_what_is_there(
    distribution: Distribution, tmp_path: Path, *, present: bool
) -> None:
    """An optional module is switched off where it exists, and not mentioned where it does not."""
    if present:
        (distribution.home / "modules" / "ingest-geoip").mkdir()

    told = settings().as_mapping(distribution, NodeFiles(tmp_path))

    assert present == ("ingest.geoip.downloader.enabled" in told)


def test_speaks_tls_everywhere_when_secured(distribution: Distribution, tmp_path: Path) -> None:
    """A secured node uses TLS to callers and to other nodes."""
    told = settings(secure=True).as_mapping(distribution, NodeFiles(tmp_path))

    assert True is told["xpack.security.enabled"]
    assert True is told["xpack.security.http.ssl.enabled"]
    assert True is told["xpack.security.transport.ssl.enabled"]


def test_says_when_it_is_not_secured(distribution: Distribution, tmp_path: Path) -> None:
    """A node that is not secured says so: silence would mean security with a self-made configuration."""
    told = settings().as_mapping(distribution, NodeFiles(tmp_path))

    assert False is told["xpack.security.enabled"]


def test_fixes_the_heap(distribution: Distribution, tmp_path: Path) -> None:
    """The heap that is asked for is what the JVM gets, beside the distribution's own options."""
    files = NodeFiles(tmp_path)

    settings().write(distribution, files)

    assert "-XX:+UseG1GC\n" == (files.config / "jvm.options").read_text()
    options = (files.config / "jvm.options.d" / "localnode.options").read_text().splitlines()
    assert ["-Xms512m", "-Xmx512m"] == options[:2]

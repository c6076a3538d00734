"""What a local node is told: its `elasticsearch.yml`, JVM options and logging."""

import json
import shutil
from dataclasses import dataclass

from localnode.distribution import Distribution
from localnode.records import NodeFiles

_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] [%node_name]%marker %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
# Optional parts that cost start-up time or call hosts on the internet. Without the module, its setting is an error.
_SWITCHED_OFF = {
    "x-pack-core": (
        "xpack.ml.enabled",
        "xpack.watcher.enabled",
        "xpack.profiling.enabled",
        "xpack.apm_data.enabled",
    ),
    "ingest-geoip": ("ingest.geoip.downloader.enabled",),
    "x-pack-inference": ("xpack.inference.elastic.periodic_authorization_enabled",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """One node of a cluster, as it is configured.

    Attributes:
        index: Which of the cluster's nodes this one is.
        names: The names of them all.
        http_port: Where this one answers HTTP, on 127.0.0.1.
        transport_ports: Where they all talk to each other.
        heap: The JVM's heap, fixed, in the JVM's notation ("512m").
        secure: Whether HTTP and transport use TLS, and callers must log in.
    """

    index: int
    names: tuple[str, ...]
    http_port: int
    transport_ports: tuple[int, ...]
    heap: str
    secure: bool

    @property
    def name(self) -> str:
        """The node's own name."""
        return self.names[self.index]

    def as_mapping(self, distribution: Distribution, files: NodeFiles) -> dict[str, object]:
        """Return the content of `elasticsearch.yml`."""
        settings: dict[str, object] = {
            "cluster.name": "localnode",
            "node.name": self.name,
            "path.data": str(files.own / "data"),
            "path.logs": str(files.own / "logs"),
            "network.host": "127.0.0.1",
            "http.port": self.http_port,
            "transport.port": self.transport_ports[self.index],
            # A developer's disk is often fuller than 95 %, where Elasticsearch blocks all writes.
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "xpack.security.enabled": self.secure,
        }
        if len(self.names) == 1:
            settings["discovery.type"] = "single-node"
            # Where snapshots may be kept. Several nodes would have to share it.
            settings["path.repo"] = str(files.own / "snapshots")
        else:
            settings["discovery.seed_hosts"] = [f"127.0.0.1:{port}" for port in self.transport_ports]
            settings["cluster.initial_master_nodes"] = list(self.names)
        for module, names in _SWITCHED_OFF.items():
            if distribution.has_module(module):
                settings.update(dict.fromkeys(names, False))
        if self.secure:
            settings.update(_tls())
        return settings

    def jvm_options(self) -> str:
        """Return the JVM options that differ from the distribution's own."""
        return "\n".join(
            (
                f"-Xms{self.heap}",
                f"-Xmx{self.heap}",
                # Three nodes on a laptop: take memory when it is needed, not all of it at the start.
                "-XX:-AlwaysPreTouch",
                # Neither gigabytes of garbage collection logs nor heap dumps beside the data.
                "-Xlog:disable",
                "-Xlog:all=warning:stderr:utctime,level,tags",
                "-XX:-HeapDumpOnOutOfMemoryError",
                "",
            )
        )

    def write(self, distribution: Distribution, files: NodeFiles) -> None:
        """Write the node's configuration, over that of an earlier run."""
        config = files.config
        (config / "jvm.options.d").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(distribution.home / "config" / "jvm.options", config / "jvm.options")
        (config / "jvm.options.d" / "localnode.options").write_text(self.jvm_options())
        (config / "log4j2.properties").write_text(_LOGGING)
        # Every JSON document is a YAML document, and quoting is right by construction.
        text = json.dumps(self.as_mapping(distribution, files), indent=2)
        (config / "elasticsearch.yml").write_text(text + "\n")


def _tls() -> dict[str, object]:
    settings: dict[str, object] = {
        "xpack.security.enrollment.enabled": False,
        "xpack.security.transport.ssl.verification_mode": "full",
    }
    for layer in ("http", "transport"):
        settings |= {
            f"xpack.security.{layer}.ssl.enabled": True,
            f"xpack.security.{layer}.ssl.key": "node.key",
            f"xpack.security.{layer}.ssl.certificate": "node.crt",
            f"xpack.security.{layer}.ssl.certificate_authorities": ["ca.crt"],
        }
    return settings

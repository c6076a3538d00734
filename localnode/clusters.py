"""A cluster of one node or three, from its start to its end."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from localnode import distribution, folders, guardian, places, ports, records, security
from localnode.account import Account
from localnode.errors import LocalNodeError
from localnode.node import Node
from localnode.progress import Progress, say
from localnode.settings import NodeSettings

_USUAL_START_SECONDS = {1: 13, 3: 35}  # measured on two cores


class Cluster:
    """Running nodes and how to reach them; made by `cluster`, or without any by `elsewhere`.

    Attributes:
        folder: Where all that the cluster keeps is.
        nodes: The nodes.
        urls: Where they answer, in the same order.
        username: The superuser's name; None unless secured.
        password: Its password; None unless secured.
        ca_certs: The file with the certificate to trust, in PEM; None unless secured.
    """

    def __init__(
        self, nodes: tuple[Node, ...], credentials: security.Credentials | None, folder: Path
    ) -> None:
        self.folder = folder
        self.nodes = nodes
        self.urls = tuple(node.url for node in nodes)
        self.username = credentials.username if credentials else None
        self.password = credentials.password if credentials else None
        self.ca_certs = credentials.ca_certs if credentials else None

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to reach the cluster; nothing without nodes."""
        variables = {
            "ELASTICSEARCH_URL": ",".join(self.urls) or None,
            "ELASTICSEARCH_USERNAME": self.username,
            "ELASTICSEARCH_PASSWORD": self.password,
            "ELASTICSEARCH_CA_CERTS": None if self.ca_certs is None else str(self.ca_certs),
        }
        return {name: value for name, value in variables.items() if value is not None}

    def wait_until_ready(self, *, timeout: float = 180.0) -> None:
        """Wait until every node is ready and sees all others, for up to `timeout` seconds.

        Raises:
            LocalNodeError: One of them ended, or was not ready in time.
        """
        count = len(self.nodes)
        label = "Starting Elasticsearch" if count == 1 else f"Starting {count} nodes of Elasticsearch"
        started = time.monotonic()
        with Progress(label, _USUAL_START_SECONDS[count], unit="s") as progress:
            for node in self.nodes:
                node.wait_until_ready(
                    timeout=max(1.0, started + timeout - time.monotonic()),
                    nodes=count,
                    still_waiting=lambda: progress.update(time.monotonic() - started),
                )


@contextlib.contextmanager
def cluster(
    *,
    nodes: Literal[1, 3] = 1,
    secure: bool = False,
    data_dir: Path | None = None,
    port: int = 0,
    heap: str = "512m",
) -> Iterator[Cluster]:
    """Start a cluster, give it, and end it, whatever happens.

    Should this process be killed, a guardian ends the nodes; should that be killed too, the next run does.

    Args:
        nodes: One, or three that form a cluster.
        secure: With TLS on every connection and a password for the superuser `elastic`.
        data_dir: Where data stay between runs, apart for each kind of cluster; None for a temporary folder.
        port: The first node's HTTP port, the others having the next numbers; 0 for free ones.
        heap: Each node's heap, in the JVM's notation.

    Yields:
        The cluster, ready.

    Raises:
        LocalNodeError: It could not be had; the message says why and what to do.
    """
    account = Account.current()
    installed = distribution.find(account)
    kind = f"{nodes}-node{'-secure' if secure else ''}"
    with (
        folders.ephemeral() if data_dir is None else folders.kept(data_dir.absolute() / kind) as folder,
        guardian.watching(folder, remove=data_dir is None),
    ):
        if not account.can_reach(folder):
            raise LocalNodeError(
                f"{folder} cannot be reached by user {account.uid}, whom the node runs as: choose another "
                f"{'TMPDIR' if data_dir is None else '--data-dir'}."
            )
        if records.end_all(folder):
            say("Ended what a killed run had left.")
        credentials = security.prepare(folder, installed) if secure else None
        names = tuple(f"node-{number}" for number in range(1, nodes + 1))
        http_ports, transport_ports = ports.choose(nodes, first=port)
        members = []
        for index, name in enumerate(names):
            settings = NodeSettings(
                index=index,
                names=names,
                http_port=http_ports[index],
                transport_ports=transport_ports,
                heap=heap,
                secure=secure,
            )
            places.make_passable(folder / name)
            members.append(
                Node(
                    settings,
                    folder / name,
                    distribution=installed,
                    account=account,
                    credentials=credentials,
                )
            )
        running = Cluster(tuple(members), credentials, folder)
        try:
            for node in members:
                node.log.unlink(missing_ok=True)
                node.start()
            running.wait_until_ready()
            yield running
        finally:
            records.end_all(folder)
            for node in members:
                node.stop()


@contextlib.contextmanager
def elsewhere() -> Iterator[Cluster]:
    """Give what stands for an Elasticsearch that this process does not run: no nodes, and a folder with a guardian.

    Yields:
        The cluster, for a command that knows how to reach its Elasticsearch.

    Raises:
        LocalNodeError: The system's temporary folder cannot be used safely.
    """
    with folders.ephemeral() as folder, guardian.watching(folder, remove=True):
        yield Cluster((), None, folder)

"""Several replicas of the service behind the load balancer of docker-compose.cluster.yml, on this machine.

with localnode.cluster(nodes=3) as cluster, balanced(cluster.environment, folder=folder) as service:
    requests.post(f"{service.balancer.url}/occ/page-views")
    service.replicas[0].stop()
"""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localnode.errors import LocalNodeError
from localnode.serving import PROJECT, Service, serving, wait_until_ready

CONFIGURATION: Final = PROJECT / "docker" / "haproxy.cfg"
REPLICAS: Final = 2
"""As many as the configuration knows."""

SYSTEM: Final = ("/usr/local/sbin", "/usr/sbin")
"""Where packages put it, beyond the PATH of ordinary users."""


@dataclass(frozen=True, slots=True)
class Balanced:
    """Running replicas and their balancer."""

    balancer: Service
    replicas: tuple[Service, ...]


@contextlib.contextmanager
def balanced(
    environment: Mapping[str, str], *, folder: Path, balance: str | None = None
) -> Iterator[Balanced]:
    """Start two replicas of the service and the balancer, give them once they are ready, and end them.

    Args:
        environment: Settings of the replicas, as for `serving`.
        folder: Where each of the three has its log.
        balance: How the balancer chooses a replica, in HAProxy's words; by default as it is configured.

    Raises:
        LocalNodeError: HAProxy is not installed, or one of them did not become ready; the message says which.
    """
    with contextlib.ExitStack() as stack:
        replicas = tuple(
            stack.enter_context(serving(environment, log=folder / f"service-{number}.log"))
            for number in range(1, REPLICAS + 1)
        )
        addresses = [replica.url.removeprefix("http://") for replica in replicas]
        balancer = stack.enter_context(balancing(addresses, log=folder / "balancer.log", balance=balance))
        wait_until_ready(balancer, 30.0)
        yield Balanced(balancer, replicas)


@contextlib.contextmanager
def balancing(addresses: Sequence[str], *, log: Path, balance: str | None = None) -> Iterator[Service]:
    """Start the balancer on a free port of 127.0.0.1 in front of servers that may not be there yet, and end it.

    Args:
        addresses: Of the servers, each as host:port; there are `REPLICAS` of them.
        log: The file that its output goes to.
        balance: How it chooses one of them, in HAProxy's words; by default as it is configured.

    Raises:
        LocalNodeError: HAProxy is not installed.
    """
    command = [_haproxy(), "-db", "-f", str(CONFIGURATION)]
    variables = {f"SERVICE_{number}": address for number, address in enumerate(addresses, start=1)}
    if balance is not None:
        variables["BALANCE"] = balance
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            env={**os.environ, **variables, "LISTEN": f"fd@{listener.fileno()}"},
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield Service(url, process, log)
    finally:
        process.terminate()
        process.wait()


def _haproxy() -> str:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM])
    found = shutil.which("haproxy", path=path)
    if found is None:
        raise LocalNodeError(
            "HAProxy is not installed. Install it: `make balancer`, `apt-get install haproxy`, `brew install haproxy`."
        )
    return found

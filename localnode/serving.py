"""The service itself on this machine: real gunicorn in front of a cluster, for the tests and the load tests.

with localnode.cluster() as cluster, serving(cluster.environment) as service:
    requests.post(f"{service.url}/occ/page-views")

python -m localnode run -- python -m localnode.serving -- COMMAND   # with SERVICE_URL in its environment
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import urllib3

from localnode.errors import LocalNodeError

PROJECT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Attributes:
        url: Its address, without a slash at the end.
        process: Gunicorn's master.
        log: The file with everything it has said.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self, *, timeout: float = 60.0) -> int:
        """Ask it to end with SIGTERM, wait up to ``timeout`` seconds, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)


@contextlib.contextmanager
def serving(environment: Mapping[str, str], *, log: Path, ready: float = 60.0) -> Iterator[Service]:
    """Make the index, start gunicorn on a free port of 127.0.0.1, give it once it is ready, and end it.

    Args:
        environment: Settings of the service, added to this process's environment: how to reach Elasticsearch
            (`Cluster.environment`), ``WORKERS``, ``GUNICORN_CMD_ARGS`` and the like.
        log: The file that its output goes to.
        ready: Seconds that it may take until it is ready.

    Raises:
        LocalNodeError: It did not become ready; the message says where its log is.
    """
    with log.open("wb") as output:
        init = subprocess.run(
            [sys.executable, "-m", "service", "init"],
            env={**os.environ, **environment},
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if init.returncode != 0:
        raise LocalNodeError(f"The index could not be made; {log} says why.")
    with serving_without_index(environment, log=log, ready=ready) as service:
        yield service


@contextlib.contextmanager
def serving_without_index(
    environment: Mapping[str, str], *, log: Path, ready: float = 60.0, port: int = 0
) -> Iterator[Service]:
    """Do the same for an application that asks for no index, or has one already; its output is added to the log.

    Args:
        environment: As for `serving`.
        log: Likewise.
        ready: Likewise.
        port: Where it listens on 127.0.0.1, such as one from `localnode.ports.choose_one`; 0 for a free one.
    """
    variables = {**os.environ, **environment}
    # The listener is made here and handed on, because a port that was free a moment ago may be taken by now.
    with socket.create_server(("127.0.0.1", port)) as listener, log.open("ab") as output:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        arguments = f"{variables.get('GUNICORN_CMD_ARGS', '')} --bind fd://{listener.fileno()}"
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-m", "gunicorn"],
            cwd=PROJECT,
            env={**variables, "GUNICORN_CMD_ARGS": arguments},
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    service = Service(url, process, log)
    try:
        wait_until_ready(service, ready)
        yield service
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.stop()
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_until_ready(service: Service, seconds: float) -> None:
    """Wait until a service, or what stands in front of several, says that it is ready.

    Raises:
        LocalNodeError: It was not within so many seconds, or ended; the message says where its log is.
    """
    deadline = time.monotonic() + seconds
    with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
        while service.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if pool.request("GET", f"{service.url}/readyz").status == 200:  # noqa: PLR2004 - OK
                    return
            time.sleep(0.1)
    raise LocalNodeError(f"The service did not become ready; its log is in {service.log}.")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--log", type=click.Path(path_type=Path), default=Path("build/service.log"), help="Where its output goes."
)
def main(command: tuple[str, ...], log: Path) -> None:
    """Run COMMAND with SERVICE_URL set to a service of its own on the Elasticsearch of ELASTICSEARCH_URL.

    SIGTERM is passed on to COMMAND, whose end is the service's, too.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with serving({}, log=log) as service:
            child = subprocess.Popen(command, env={**os.environ, "SERVICE_URL": service.url})
            signal.signal(signal.SIGTERM, lambda number, _frame: child.send_signal(number))
            code = child.wait()
    except LocalNodeError as error:
        raise click.ClickException(str(error)) from error
    raise SystemExit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()

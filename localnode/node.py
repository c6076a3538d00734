"""One Elasticsearch node: started, killed, paused, started again on the same port and data."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import urllib3

from localnode.account import Account
from localnode.distribution import Distribution
from localnode.errors import LocalNodeError, NodeDiedError
from localnode.launcher import launch
from localnode.processes import ProcessId, wait_until
from localnode.records import NodeFiles
from localnode.security import Credentials
from localnode.settings import NodeSettings

_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.2
_ANSWER_SECONDS = 5.0
_LAST_LINES = 25
_LAST_LINE_LENGTH = 300
_OK = 200


class Node:
    """A node that can be started again and again; made by `localnode.cluster`.

    Attributes:
        name: Its name in the cluster, "node-1" and so on.
        url: Where it answers, the same for as long as the cluster is open.
        log: The file with all that it says.
    """

    def __init__(
        self,
        settings: NodeSettings,
        folder: Path,
        *,
        distribution: Distribution,
        account: Account,
        credentials: Credentials | None,
    ) -> None:
        self._files = NodeFiles(folder)
        self._settings = settings
        self._distribution = distribution
        self._account = account
        self._credentials = credentials
        self._launcher: subprocess.Popen[bytes] | None = None
        self._jvm: ProcessId | None = None
        self.name = settings.name
        self.url = f"{'https' if credentials else 'http'}://127.0.0.1:{settings.http_port}"
        self.log = self._files.log

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} at {self.url}>"

    @property
    def running(self) -> bool:
        """Whether the node has been started and has not ended since; a paused node runs."""
        if self._launcher is None or self._launcher.poll() is not None:
            return False
        return self._jvm is None or self._jvm.alive

    @property
    def pid(self) -> int:
        """The number of the node's JVM (not of the launcher, its parent).

        Raises:
            LocalNodeError: The node does not run, or has not come that far yet.
        """
        return self._running_jvm().pid

    def start(self) -> None:
        """Start the node on its port and data, and return at once; see `wait_until_ready`."""
        if self.running:
            raise LocalNodeError(f"{self.name} runs already.")
        self._reap()
        files = self._files
        shutil.rmtree(files.own / "tmp", ignore_errors=True)
        for folder in ("data", "logs", "tmp"):
            (files.own / folder).mkdir(parents=True, exist_ok=True)
        files.pid.unlink(missing_ok=True)
        self._settings.write(self._distribution, files)
        if self._credentials is not None:
            self._credentials.install(files.config)
        self._account.own(files.own)
        self._launcher = launch(self._distribution, files, self._account)

    def wait_until_ready(
        self, *, timeout: float = 120.0, nodes: int = 1, still_waiting: Callable[[], None] = lambda: None
    ) -> None:
        """Wait until the node answers, and the cluster that it sees has all primaries and no shard on the way.

        Args:
            timeout: Seconds to wait.
            nodes: How many nodes it must see, itself included.
            still_waiting: Called several times a second.

        Raises:
            NodeDiedError: It ended; the message holds the end of its log.
            LocalNodeError: It was not ready in time, or has not been started.
        """
        if self._launcher is None:
            raise LocalNodeError(f"{self.name} has not been started.")
        started = time.monotonic()
        while not self._healthy(nodes):
            if not self.running:
                raise NodeDiedError(f"{self.name} ended. {self._last_words()}")
            if time.monotonic() - started > timeout:
                raise LocalNodeError(
                    f"{self.name} was not ready within {timeout:.0f} s. {self._last_words()}"
                )
            still_waiting()
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """SIGKILL the JVM, as a crash or the out-of-memory killer would, and wait until it is gone."""
        jvm = self._running_jvm()
        jvm.send(signal.SIGKILL)
        jvm.wait(_KILL_SECONDS)
        self._reap()

    def pause(self) -> None:
        """SIGSTOP the JVM and wait until it stands still: its port accepts connections, and nobody answers."""
        jvm = self._running_jvm()
        jvm.send(signal.SIGSTOP)
        if not wait_until(lambda: jvm.stopped, timeout=_KILL_SECONDS):
            raise LocalNodeError(f"{self.name} did not stop within {_KILL_SECONDS:.0f} s.")

    def resume(self) -> None:
        """SIGCONT the JVM."""
        self._running_jvm().send(signal.SIGCONT)

    def stop(self) -> None:
        """End the node in good order, or kill it if that takes longer than 30 s; fine if it has ended already."""
        self._files.end()
        self._reap()

    def _reap(self) -> None:
        """Collect the launcher, which ends right after its JVM."""
        if self._launcher is not None:
            try:
                self._launcher.wait(_KILL_SECONDS)
            except subprocess.TimeoutExpired:
                self._launcher.kill()
                self._launcher.wait()
        self._launcher = None
        self._jvm = None

    def _running_jvm(self) -> ProcessId:
        self._recognise_jvm()
        if self._jvm is None or not self.running:
            raise LocalNodeError(f"{self.name} does not run.")
        return self._jvm

    def _recognise_jvm(self) -> None:
        if self._jvm is None and self.running:
            try:
                pid = int(self._files.pid.read_text())
            except (OSError, ValueError):  # not written yet, or not to its end
                return
            self._jvm = ProcessId.of(pid)
            if self._jvm is not None:
                self._jvm.save(self._files.jvm)

    def _healthy(self, nodes: int) -> bool:
        self._recognise_jvm()
        if self._jvm is None:
            return False
        query = {
            "wait_for_status": "yellow",
            "wait_for_no_initializing_shards": "true",
            "wait_for_nodes": f">={nodes}",
            "timeout": "1s",
            "master_timeout": "1s",
        }
        secured = self._credentials
        with urllib3.PoolManager(
            ca_certs=str(secured.ca_certs) if secured else None,
            headers=urllib3.make_headers(basic_auth=f"{secured.username}:{secured.password}")
            if secured
            else None,
            timeout=_ANSWER_SECONDS,
            retries=False,
        ) as pool:
            try:
                answer = pool.request("GET", f"{self.url}/_cluster/health", fields=query)
                return answer.status == _OK and not json.loads(answer.data)["timed_out"]
            except (urllib3.exceptions.HTTPError, ValueError):
                return False

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        said = "".join(f"\n  {line[:_LAST_LINE_LENGTH]}" for line in lines)
        return f"Its log is {self.log}, and ends with:{said}"

"""Runs a command beside a cluster: passes signals on, watches the nodes, and returns the command's exit code."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from types import FrameType

from localnode.clusters import Cluster
from localnode.errors import LocalNodeError
from localnode.processes import wait_until
from localnode.progress import say
from localnode.terminal import Foreground

NODE_DIED = 70  # "internal software error" of sysexits(3)
_POLL_SECONDS = 0.1
# Above gunicorn's graceful_timeout of 30 s.
_DRAIN_SECONDS = 40.0
_LEFTOVER_SECONDS = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """What a signal means to a run: the end while the cluster starts, the command's affair while that runs.

    After either the nodes are being ended, which takes seconds; a signal then changes nothing.
    """

    def __init__(self) -> None:
        self._command: int | None = None
        self._ending = False

    def install(self) -> None:
        """Take over SIGINT, SIGTERM and SIGHUP for the rest of this process."""
        for number in _SIGNALS:
            signal.signal(number, self._handle)

    @contextlib.contextmanager
    def for_command(self, pid: int) -> Iterator[None]:
        """Pass signals on to the command `pid` inside this block."""
        self._command = pid
        try:
            yield
        finally:
            self._command = None
            self._ending = True

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._command is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._command, number)
        elif not self._ending:
            self._ending = True
            sys.exit(128 + number)


def run(command: Sequence[str], cluster: Cluster, signals: Signals) -> int:
    """Run a command to its end, with the cluster in its environment.

    Returns:
        The command's exit code; 128 + n if signal n ended it; 70 if a node died under it.

    Raises:
        LocalNodeError: There is no such command.
    """
    try:
        # A group of its own: a signal reaches it once, not once from the terminal and once more from us.
        child = subprocess.Popen(command, env={**os.environ, **cluster.environment}, process_group=0)
    except OSError as error:
        raise LocalNodeError(f"{command[0]} cannot be run ({error.strerror}): check the command.") from error
    foreground = Foreground(child.pid)
    with signals.for_command(child.pid), foreground.lent():
        try:
            return _watch(child, cluster, foreground)
        finally:
            _end_group(child.pid)


def _watch(child: subprocess.Popen[bytes], cluster: Cluster, foreground: Foreground) -> int:
    died = None
    deadline = float("inf")
    while True:
        pid, status = os.waitpid(child.pid, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            foreground.suspend()
        elif pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            break
        if died is None:
            died = next((node for node in cluster.nodes if not node.running), None)
            if died is not None:
                say(f"{died.name} has died, so the command is being ended. The node's log is {died.log}.")
                child.terminate()
                deadline = time.monotonic() + _DRAIN_SECONDS
        elif time.monotonic() > deadline:
            child.kill()
        time.sleep(_POLL_SECONDS)
    if died is not None:
        return NODE_DIED
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _end_group(group: int) -> None:
    """End what the command has left running."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        wait_until(lambda: _is_empty(group), timeout=_LEFTOVER_SECONDS)


def _is_empty(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False

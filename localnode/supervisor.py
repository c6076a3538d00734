"""Runs a command beside a cluster: passes signals on, watches the nodes, and returns the command's exit code."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from localnode import records
from localnode.clusters import Cluster
from localnode.errors import LocalNodeError
from localnode.processes import ProcessId, end_group
from localnode.progress import say
from localnode.terminal import Foreground

NODE_DIED = 70  # "internal software error" of sysexits(3)
_POLL_SECONDS = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """What a signal means to a run: the end while the cluster starts, the command's affair while that runs.

    After either the nodes are being ended, which takes seconds; a signal then changes nothing.
    """

    def __init__(self) -> None:
        self._meaning: Callable[[int], None] = self._end

    def install(self) -> None:
        """Take over SIGINT, SIGTERM and SIGHUP for the rest of this process."""
        for number in _SIGNALS:
            signal.signal(number, lambda number, _frame: self._meaning(number))

    @contextlib.contextmanager
    def for_command(self) -> Iterator[Callable[[int], None]]:
        """Give what passes signals on to the number it is called with; those that come before that are kept."""
        early: list[int] = []
        self._meaning = early.append

        def pass_to(pid: int) -> None:
            self._meaning = functools.partial(_send, pid)
            for number in early:
                _send(pid, number)

        try:
            yield pass_to
        finally:
            self._meaning = _ignore

    def _end(self, number: int) -> None:
        self._meaning = _ignore
        sys.exit(128 + number)


def _send(pid: int, number: int) -> None:
    # The terminal is gone, and we end; a server would take it for a wish to read its settings anew, and go on.
    number = signal.SIGTERM if number == signal.SIGHUP else number
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _ignore(_number: int) -> None:
    """Do nothing: the end has begun."""


def run(command: Sequence[str], cluster: Cluster, signals: Signals) -> int:
    """Run a command to its end, with the cluster in its environment.

    Returns:
        The command's exit code; 128 + n if signal n ended it; 70 if a node died under it.

    Raises:
        LocalNodeError: There is no such command.
    """
    record = records.command(cluster.folder)
    with signals.for_command() as pass_signals_to:
        try:
            child = subprocess.Popen(
                command,
                env={**os.environ, **cluster.environment},
                # A group of its own: a signal reaches it once, not once from the terminal and once more from us.
                process_group=0,
                # On record, because a service that outlived us would keep its port from the next run; by itself, before
                # it becomes the command, so that no command ever runs unrecorded. Until then it keeps the guardian's
                # pipe open.
                preexec_fn=lambda: ProcessId.me().save(record),  # noqa: PLW1509 - we have one thread
            )
        except OSError as error:
            raise LocalNodeError(
                f"{command[0]} cannot be run ({error.strerror}): check the command."
            ) from error
        pass_signals_to(child.pid)
        foreground = Foreground(child.pid)
        with foreground.lent():
            try:
                return _watch(child, cluster, foreground)
            finally:
                end_group(child.pid)
                record.unlink(missing_ok=True)


def _watch(child: subprocess.Popen[bytes], cluster: Cluster, foreground: Foreground) -> int:
    died = None
    deadline = float("inf")
    while True:
        pid, status = os.waitpid(child.pid, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            foreground.suspend(os.WSTOPSIG(status))
        elif pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            break
        if died is None:
            died = next((node for node in cluster.nodes if not node.running), None)
            if died is not None:
                say(f"{died.name} has died, so the command is being ended. The node's log is {died.log}.")
                # Not by Popen's own methods: they may collect the exit code that we wait for here.
                _send(child.pid, signal.SIGTERM)
                deadline = time.monotonic() + records.DRAIN_SECONDS
        elif time.monotonic() > deadline:
            _send(child.pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    if died is not None:
        return NODE_DIED
    return child.returncode if child.returncode >= 0 else 128 - child.returncode

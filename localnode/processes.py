"""Processes told apart by number *and* start time, so that a reused number is never signalled."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.05
_LEFTOVER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process: its number and when it started, in the system's own words."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """Return the identity of the live process `pid`, or None if there is none."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started)

    @classmethod
    def me(cls) -> "ProcessId":
        """Return the identity of this process."""
        return cls(os.getpid(), _start_time(os.getpid()) or "")

    @classmethod
    def load(cls, record: Path) -> "ProcessId | None":
        """Read what `save` wrote; None if there is no record or only half of one."""
        try:
            pid, _, started = record.read_text().strip().partition(" ")
            return cls(int(pid), started) if started else None
        except (OSError, ValueError):
            return None

    def save(self, record: Path) -> None:
        """Write the identity to `record`, whole or not at all."""
        draft = record.with_name(f"{record.name}.draft")
        draft.write_text(f"{self.pid} {self.started}\n")
        draft.replace(record)

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return _start_time(self.pid) == self.started

    @property
    def stopped(self) -> bool:
        """Whether every thread of the process stands still: SIGSTOP is delivered to one after the other."""
        return _linux_stopped(self.pid) if sys.platform == "linux" else _posix_stopped(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, timeout: float) -> bool:
        """Wait until the process has gone; return False if it still runs after `timeout` seconds."""
        return wait_until(lambda: not self.alive, timeout=timeout)

    def end_group(self, *, grace: float) -> None:
        """End the process, which leads a group, and what it leaves running in that group.

        Args:
            grace: Seconds that the process itself may take.
        """
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)  # a stopped process would not act on it
        if not self.wait(grace):
            self.send(signal.SIGKILL)
        end_group(self.pid)


def end_group(group: int) -> None:
    """End all processes of a group, whose leader has just ended: its number is not given away while one is left."""
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


def wait_until(condition: Callable[[], bool], *, timeout: float) -> bool:
    """Poll until the condition holds; return whether it did within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _start_time(pid: int) -> str | None:
    return _linux_start_time(pid) if sys.platform == "linux" else _posix_start_time(pid)


def _linux_fields(stat: Path) -> list[str] | None:
    """Return the fields of a process or thread from its state on, which is the third; None if it has gone."""
    try:
        text = stat.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the name in parentheses may hold anything.
    return text.rpartition(")")[2].split()


def _linux_stopped(pid: int) -> bool:
    threads = map(_linux_fields, Path(f"/proc/{pid}/task").glob("*/stat"))
    return all(fields is None or fields[0] == "T" for fields in threads)


def _posix_stopped(pid: int) -> bool:
    return _ps(pid, "stat=").startswith("T")


def _linux_start_time(pid: int) -> str | None:
    fields = _linux_fields(Path(f"/proc/{pid}/stat"))
    if fields is None or fields[0] in "ZX":
        return None
    ticks_since_boot = fields[19]  # the 22nd
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{ticks_since_boot}"


def _posix_start_time(pid: int) -> str | None:
    state, _, started = _ps(pid, "stat=,lstart=").partition(" ")
    return None if not started or state.startswith("Z") else started.strip()


def _ps(pid: int, columns: str) -> str:
    """Return what ps says of a process in these columns; nothing if there is none."""
    command = ["/bin/ps", "-o", columns, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

"""Who has the machine's processors, moment by moment: as Linux accounts for every thread, in nanoseconds.

It adds to a thread's account at each tick and switch, and to what it has waited when the wait is over, so that of a few
milliseconds alone nothing can be said.

Source: https://docs.kernel.org/scheduler/sched-stats.html
"""

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import psutil

from benchmarks.errors import BenchmarkError

PROC: Final = Path("/proc")
INTERVAL: Final = 0.025
"""Seconds between two looks at the accounts."""
NANOSECONDS: Final = 10**9

COMPILERS: Final = ("C1 ", "C2 ")
"""What the names of those threads of a JVM begin with that compile what it runs."""

Span = tuple[float, float]
"""A beginning and an end, in seconds on the monotonic clock."""

ALL: Final = "all"
"""The group of everything that runs on the machine."""


@dataclass(frozen=True, slots=True)
class Time:
    """What threads have had: they ``ran`` on a processor, and ``waited`` for one while they could have run.

    Both are in seconds, of all threads together, and so may be more than has gone by.
    """

    ran: float = 0.0
    waited: float = 0.0

    def __add__(self, other: "Time") -> "Time":
        """Return both together."""
        return Time(self.ran + other.ran, self.waited + other.waited)

    def __sub__(self, other: "Time") -> "Time":
        """Return what this is more than another."""
        return Time(self.ran - other.ran, self.waited - other.waited)

    def __mul__(self, factor: float) -> "Time":
        """Return a share or a multiple of it."""
        return Time(factor * self.ran, factor * self.waited)


Group = Callable[[int, str], bool]
"""Says whether a thread belongs to it, by its process and its name, which Linux cuts after 15 letters."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What groups had had, at one moment after the other."""

    moments: list[float] = field(default_factory=list)
    times: list[Mapping[str, Time]] = field(default_factory=list)

    def utilization(self, group: str, spans: Iterable[Span]) -> Time:
        """Return what a group had in spans, for a second of them: 1 is one processor all the time.

        Args:
            group: Its name, or `ALL`.
            spans: May overlap, which counts once. What is not within the accounts does not count.

        Raises:
            BenchmarkError: None of them is within the accounts.
        """
        begin, end = (self.moments[0], self.moments[-1]) if self.moments else (0.0, 0.0)
        within = [(max(begin, a), min(end, b)) for a, b in merged(spans) if a < end and b > begin]
        seconds = sum(b - a for a, b in within)
        if not seconds:
            raise BenchmarkError("Nobody looked at the accounts then.")
        total = sum((self._at(group, b) - self._at(group, a) for a, b in within), Time())
        return total * (1 / seconds)

    def _at(self, group: str, moment: float) -> Time:
        """Return what a group had had by then, as if it had gone on evenly from one look to the next."""
        after = max(1, bisect_left(self.moments, moment))
        begin, end = self.moments[after - 1 : after + 1]
        before = self.times[after - 1][group]
        return before + (self.times[after][group] - before) * ((moment - begin) / (end - begin))


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans that cover the same, in order, of which no two overlap."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found


def demand_accounts() -> None:
    """See to it that there is something to look at.

    Raises:
        BenchmarkError: The system keeps no such accounts: it is not Linux.
    """
    if not (PROC / "self" / "schedstat").exists():
        raise BenchmarkError("Who has the processors is to be seen on Linux alone, in /proc/…/schedstat.")


@contextmanager
def watched(processes: Sequence[int], groups: Mapping[str, Group]) -> Iterator[Accounts]:
    """Look at the accounts of processes again and again, meanwhile, and at those of the machine.

    Args:
        processes: Their ids.
        groups: Of their threads. One that is in several counts for the first.

    Raises:
        BenchmarkError: The system keeps no such accounts: it is not Linux. Or one of the processes ended.
    """
    demand_accounts()
    accounts = Accounts()
    is_over = threading.Event()

    def keep() -> None:
        with Threads(processes, groups) as threads:
            is_last = False
            while not is_last:
                is_last = is_over.wait(INTERVAL)
                before = time.monotonic()
                found = threads.look()
                accounts.times.append(found)
                accounts.moments.append((before + time.monotonic()) / 2)

    with ThreadPoolExecutor(1) as pool:
        keeping = pool.submit(keep)
        try:
            yield accounts
        finally:
            is_over.set()
        try:
            keeping.result()
        except OSError as error:
            raise BenchmarkError(f"A process ended while it was watched: {error}") from error


class Threads:
    """The threads of processes, as they come and go: what those that have ended had at the last look still counts.

    A thread belongs to the group that its name led to when it was first seen.
    """

    def __init__(self, processes: Sequence[int], groups: Mapping[str, Group]) -> None:
        self._processes = processes
        self._groups = groups
        self._known: set[Path] = set()
        self._accounts: dict[Path, tuple[str, int]] = {}
        self._times: dict[Path, Time] = {}

    def __enter__(self) -> Self:
        """Return these threads, whose accounts are kept open: to open each for every look takes longer than to read."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close the accounts."""
        for _, file in self._accounts.values():
            os.close(file)

    def look(self) -> Mapping[str, Time]:
        """Return what each group has had so far."""
        for process in self._processes:
            for thread in (PROC / str(process) / "task").iterdir():
                # Or it has just ended.
                with suppress(FileNotFoundError, ProcessLookupError):
                    self._look_at(process, thread)
        found = {**dict.fromkeys(self._groups, Time()), ALL: time_of_all()}
        for thread, had in self._times.items():
            found[self._accounts[thread][0]] += had
        return found

    def _look_at(self, process: int, thread: Path) -> None:
        if thread not in self._known:
            name = (thread / "comm").read_text().strip()
            group = next((group for group, has in self._groups.items() if has(process, name)), None)
            if group is not None:
                self._accounts[thread] = group, os.open(thread / "schedstat", os.O_RDONLY)
            self._known.add(thread)
        if thread in self._accounts:
            _, file = self._accounts[thread]
            ran, waited, _ = os.pread(file, 100, 0).split()
            self._times[thread] = Time(int(ran) / NANOSECONDS, int(waited) / NANOSECONDS)


def compiling_from_now(pid: int) -> Callable[[], float | None]:
    """Return what tells for how many seconds a JVM's compilers have run since, those apart that have ended meanwhile.

    It tells None where there is nothing to be seen: off Linux, and of a process that is no JVM.

    Args:
        pid: The JVM's.
    """
    before = _compilers(pid)

    def seconds() -> float | None:
        if not before:
            return None
        return sum(ran - before.get(thread, 0) for thread, ran in _compilers(pid).items()) / NANOSECONDS

    return seconds


def _compilers(pid: int) -> Mapping[str, int]:
    """Return how many nanoseconds each compiler of a JVM has run, by thread; of what is no JVM, and off Linux, none."""
    found: dict[str, int] = {}
    for thread in (PROC / str(pid) / "task").glob("*"):
        # Or it has just ended.
        with suppress(FileNotFoundError, ProcessLookupError):
            if (thread / "comm").read_text().startswith(COMPILERS):
                ran, *_ = (thread / "schedstat").read_text().split()
                found[thread.name] = int(ran)
    return found


def time_of_all() -> Time:
    """Return what everything on the machine has had, in hundredths of a second.

    It waits while the host of a virtual machine has its processors do something else: its *steal time*.
    """
    times = psutil.cpu_times()
    return Time(times.user + times.nice + times.system + times.irq + times.softirq, times.steal)

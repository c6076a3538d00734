"""Who has the machine's processors, moment by moment: as Linux accounts for every thread, in nanoseconds.

Source: https://docs.kernel.org/scheduler/sched-stats.html
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from benchmarks.errors import BenchmarkError

PROC: Final = Path("/proc")
INTERVAL: Final = 0.025
"""Seconds between two looks at the accounts."""
NANO: Final = 1e-9

Span = tuple[float, float]
"""A beginning and an end, in seconds on the monotonic clock."""

ALL: Final = "all"
"""The group of everything that runs on the machine."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a group of threads has taken: ``ran`` on a processor, and ``waited`` for one though it had something to do.

    Both are in seconds, of all its threads together, and so may be more than has gone by.
    """

    ran: float = 0.0
    waited: float = 0.0

    def __add__(self, other: "Taken") -> "Taken":
        """Return both together."""
        return Taken(self.ran + other.ran, self.waited + other.waited)

    def __sub__(self, other: "Taken") -> "Taken":
        """Return what this is more than another."""
        return Taken(self.ran - other.ran, self.waited - other.waited)

    def __mul__(self, factor: float) -> "Taken":
        """Return a part or a multiple of it."""
        return Taken(factor * self.ran, factor * self.waited)


Group = Callable[[int, str], bool]
"""Says whether a thread belongs to it, by its process and its name, which Linux cuts after 15 letters."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What groups had taken, at one moment after the other."""

    moments: list[float] = field(default_factory=list)
    taken: list[Mapping[str, Taken]] = field(default_factory=list)

    def part(self, group: str, spans: Iterable[Span]) -> Taken:
        """Return what a group took in spans, for a second of them: 1 is one processor all the time.

        Args:
            group: Its name, or `ALL`.
            spans: May overlap, which counts once. What is not within the accounts does not count.

        Raises:
            BenchmarkError: None of them is within the accounts.
        """
        begin, end = self.moments[0], self.moments[-1]
        within = [(max(begin, a), min(end, b)) for a, b in merged(spans) if a < end and b > begin]
        seconds = sum(b - a for a, b in within)
        if not seconds:
            raise BenchmarkError("Nobody looked at the accounts then.")
        total = sum((self._at(group, b) - self._at(group, a) for a, b in within), Taken())
        return total * (1 / seconds)

    def _at(self, group: str, moment: float) -> Taken:
        """Return what a group had taken by then, as if it had gone on evenly from one look to the next."""
        after = max(1, bisect_left(self.moments, moment))
        begin, end = self.moments[after - 1 : after + 1]
        before = self.taken[after - 1][group]
        gone = (moment - begin) / (end - begin)
        return before + (self.taken[after][group] - before) * gone


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans that cover the same, in order, of which no two overlap."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found


@contextmanager
def watched(processes: Sequence[int], groups: Mapping[str, Group]) -> Iterator[Accounts]:
    """Look at the accounts of processes again and again, meanwhile, and at those of the machine.

    Args:
        processes: Their numbers.
        groups: Of their threads. One that is in several counts for the first.

    Raises:
        BenchmarkError: The system keeps no such accounts: it is not Linux.
    """
    if not (PROC / "self" / "schedstat").exists():
        raise BenchmarkError("Who has the processors is to be seen on Linux alone, in /proc/…/schedstat.")
    accounts = Accounts()
    is_over = threading.Event()
    threads = Threads(processes, groups)

    def keep() -> None:
        while True:
            accounts.moments.append(time.monotonic())
            accounts.taken.append(threads.look())
            if is_over.wait(INTERVAL):
                return

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield accounts
    finally:
        is_over.set()
        keeper.join()


class Threads:
    """The threads of processes, as they come and go: what those that have gone had taken still counts."""

    def __init__(self, processes: Sequence[int], groups: Mapping[str, Group]) -> None:
        self._processes = processes
        self._groups = groups
        self._group_of: dict[Path, str | None] = {}
        self._taken: dict[Path, Taken] = {}

    def look(self) -> Mapping[str, Taken]:
        """Return what each group has taken so far."""
        for process in self._processes:
            for thread in (PROC / str(process) / "task").iterdir():
                self._look_at(process, thread)
        found = {**dict.fromkeys(self._groups, Taken()), ALL: _of_all()}
        for thread, taken in self._taken.items():
            group = self._group_of[thread]
            if group is not None:
                found[group] += taken
        return found

    def _look_at(self, process: int, thread: Path) -> None:
        try:
            if thread not in self._group_of:
                self._group_of[thread] = self._group(process, (thread / "comm").read_text().strip())
            if self._group_of[thread] is not None:
                ran, waited, _ = (thread / "schedstat").read_text().split()
                self._taken[thread] = Taken(NANO * int(ran), NANO * int(waited))
        except FileNotFoundError:
            pass  # it has just ended

    def _group(self, process: int, name: str) -> str | None:
        return next((group for group, has in self._groups.items() if has(process, name)), None)


def _of_all() -> Taken:
    """Return what everything on the machine has taken: in hundredths of a second, and nobody tells who waited."""
    times = psutil.cpu_times()
    return Taken(times.user + times.nice + times.system + times.irq + times.softirq)

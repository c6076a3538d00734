"""Tallies and recordings: what each process counted, and how the master puts the processes together."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from loadtests import clock
from loadtests.operations import Operation
from loadtests.outcomes import Answer, Outcome
from loadtests.recording import Recording


@dataclass(slots=True)
class Tally:
    """Running totals of one strategy. Counts are requests, ``*_amount`` are sums of what they asked for."""

    requested: int = 0
    acknowledged: int = 0
    failed: int = 0
    unknown: int = 0
    malformed: int = 0
    acknowledged_amount: int = 0
    unknown_amount: int = 0
    resolved: int = 0
    replays: int = 0
    conflicts: int = 0
    users_done: int = 0
    first: float | None = None
    """When the first request was sent, in seconds since the epoch: the only clock that processes share."""
    last: float | None = None
    """When the last answer, or its absence, was noted; likewise."""

    def record(self, answer: Answer, *, by: int, sent: float, ended: float) -> None:
        """Count one request whose outcome is settled.

        Args:
            answer: what became of it.
            by: the amount that it asked for.
            sent: when it was sent, in seconds since the epoch.
            ended: when its outcome was settled, likewise.
        """
        self.requested += 1
        match answer.outcome:
            case Outcome.ACKNOWLEDGED:
                self.acknowledged += 1
                self.acknowledged_amount += by
            case Outcome.FAILED:
                self.failed += 1
            case Outcome.UNKNOWN:
                self.unknown += 1
                self.unknown_amount += by
        self.malformed += answer.malformed
        self.resolved += bool(answer.replays) and answer.outcome is Outcome.ACKNOWLEDGED
        self.replays += answer.replays
        self.conflicts += answer.conflicts
        self.first = sent if self.first is None else min(self.first, sent)
        self.last = ended if self.last is None else max(self.last, ended)

    def add(self, other: "Tally") -> None:
        """Add another process's totals to these."""
        for name, value in asdict(other).items():
            if name not in {"first", "last"}:
                setattr(self, name, getattr(self, name) + value)
        self.first = min((t for t in (self.first, other.first) if t is not None), default=None)
        self.last = max((t for t in (self.last, other.last) if t is not None), default=None)

    @property
    def seconds(self) -> float:
        """From the first request to the last outcome."""
        return 0.0 if self.first is None or self.last is None else self.last - self.first


class Ledger:
    """The tallies and recordings of one run: this process's own and, on a master, those of every worker.

    Workers report running totals, not increments, so that a report that is repeated or comes late does no
    harm. Of the recordings they report what is new, and what got lost on its way is missing in the end. What
    belongs to another run is ignored.
    """

    def __init__(self) -> None:
        self._run = ""
        self._own: dict[str, Tally] = {}
        self._recorded: dict[str, Recording] = {}
        self._reported: dict[str, _Reported] = {}

    def open(self, run: str) -> None:
        """Start over for another run; nothing happens if that is the one already open."""
        if run != self._run:
            self._run, self._own, self._recorded, self._reported = run, {}, {}, {}

    def own(self, strategy: str) -> Tally:
        """This process's tally, to count in."""
        return self._own.setdefault(strategy, Tally())

    def recording(self, strategy: str) -> Recording:
        """This process's recording, to record in."""
        return self._recorded.setdefault(strategy, Recording())

    def export(self) -> dict[str, Any]:
        """What a worker sends to its master, once: the next time there is something else to send."""
        return {
            "run": self._run,
            "clock": clock.name(),
            "tallies": {name: asdict(tally) for name, tally in self._own.items()},
            "recordings": {name: recording.unsent() for name, recording in self._recorded.items()},
        }

    def accept(self, worker: str, report: Mapping[str, Any]) -> None:
        """Take a worker's totals in place of its previous ones, and add what it recorded since then."""
        if report["run"] != self._run:
            return
        reported = self._reported.setdefault(worker, _Reported(clock=report["clock"]))
        reported.tallies = {name: Tally(**totals) for name, totals in report["tallies"].items()}
        for name, (first, numbers) in report["recordings"].items():
            reported.recordings.setdefault(name, Recording()).receive(first, numbers)

    def total(self, strategy: str) -> Tally:
        """The sum over all processes."""
        total = Tally()
        for tallies in (self._own, *(reported.tallies for reported in self._reported.values())):
            total.add(tallies.get(strategy, Tally()))
        return total

    def operations(self, strategy: str, *, by: int) -> list[Operation]:
        """What all processes recorded.

        Args:
            strategy: whose.
            by: what each of its increments added.
        """
        recorded = [(clock.name(), self._recorded)]
        recorded += [(reported.clock, reported.recordings) for reported in self._reported.values()]
        return [
            operation
            for name, recordings in recorded
            if strategy in recordings
            for operation in recordings[strategy].operations(by=by, clock=name)
        ]


@dataclass(slots=True)
class _Reported:
    """What a worker reported."""

    clock: str
    tallies: dict[str, Tally] = field(default_factory=dict)
    recordings: dict[str, Recording] = field(default_factory=dict)

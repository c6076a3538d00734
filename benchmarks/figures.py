"""What a measurement came to, and what repeated ones have in common. Nothing here measures."""

import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from benchmarks.errors import understanding
from benchmarks.load import MICROSECONDS, Answer, Dose, Outcome

RATE: Final = "increments/s"
"""What a rate is called wherever it is shown."""

MILLISECOND: Final = 10**3
"""In microseconds."""

ENOUGH: Final = 2
"""Answers of which there are percentiles."""

KEPT_UP: Final = 0.95
"""The part of the rate at which requests are due that answers have to come at, or they wait longer and longer."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cell:
    """The circumstances of a measurement.

    ``counters`` is how many the requests go to, ``share`` the part of the maximum that they are sent at, from 0 to 1,
    or 0 for a closed loop, which finds that maximum.
    """

    workers: int
    connections: int
    counters: int
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast answers came: acknowledged ones a second, and percentiles of all their times in milliseconds."""

    rate: float
    p50: float
    p99: float
    p999: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A target in a cell, once.

    Attributes:
        target: Its name.
        cell: The circumstances.
        repeat: Which of the repetitions, from 1.
        speed: After the warm-up.
        asked: Requests that were due a second; 0 in a closed loop.
        requests: All that were sent, the warm-up's included, as in all that follows.
        statuses: How many answers had which status; 0 for no answer.
        unknown: Those whose answers do not say whether they were applied.
        lost: What was acknowledged and is not stored; None if nothing is.
        doubled: What is stored and was neither acknowledged nor unknown; None likewise.
        writes: What reached the store; None if it does not count.
        conflicts: What it refused because another writer had come first; None likewise.
        cpu: Seconds of CPU time by group of processes.
        compiling: Seconds of the store's in which its JVM compiled; None if it has none, or the system does not tell.
        resident: Bytes in RAM of the largest worker, before and after.
    """

    target: str
    cell: Cell
    repeat: int
    speed: Speed
    asked: float
    requests: int
    statuses: Mapping[str, int]
    unknown: int
    lost: int | None = None
    doubled: int | None = None
    writes: int | None = None
    conflicts: int | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)
    compiling: float | None = None
    resident: tuple[int, int] = (0, 0)

    @property
    def acknowledged(self) -> int:
        """How many were answered with success."""
        return self.statuses.get("200", 0)

    @property
    def errors(self) -> int:
        """How many were not."""
        return self.requests - self.acknowledged

    @property
    def kept_up(self) -> bool:
        """Whether answers came as fast as requests were due; a closed loop asks for no more than it gets."""
        return self.speed.rate >= KEPT_UP * self.asked

    @property
    def batch(self) -> float | None:
        """How many increments a write carried."""
        return self.acknowledged / self.writes if self.writes else None

    def milliseconds_of(self, *groups: str) -> float:
        """Return the CPU time of groups of processes for each request, in milliseconds."""
        return 1000 * sum(self.cpu.get(group, 0.0) for group in groups) / max(1, self.requests)

    @property
    def compiling_microseconds(self) -> float | None:
        """For how long the store's JVM compiled for each request, in microseconds; None as of `compiling`."""
        return None if self.compiling is None else MICROSECONDS * self.compiling / max(1, self.requests)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return what `dataclasses.asdict` has made a mapping of."""
        return cls(
            **{
                **values,
                "cell": Cell(**values["cell"]),
                "speed": Speed(**values["speed"]),
                "resident": tuple(values["resident"]),
            }
        )


def speed_of(answers: Sequence[Answer], dose: Dose) -> Speed | None:
    """Return how fast answers came once warm; None if there were too few to say.

    The rate is of what was answered from the end of the warm-up to that of sending, and the times are of what was due
    then, however long each took: the slowest are under way at the end. If that is hardly anything, as where each took
    longer than that, all count.

    Args:
        answers: In any order.
        dose: What they were sent in; its seconds count from the first request on.
    """
    if len(answers) < ENOUGH:
        return None
    start = min(answer.sent for answer in answers)
    warm, end = (start + round(seconds * MICROSECONDS) for seconds in (dose.warm_up, dose.seconds))
    timed: Sequence[Answer] = [answer for answer in answers if warm <= answer.due < end]
    counted: Sequence[Answer] = [answer for answer in answers if warm <= answer.ended < end]
    if min(len(timed), len(counted)) < ENOUGH:
        timed, counted, warm = answers, answers, start
        end = max(end, *(answer.ended for answer in answers))
    seconds = (end - warm) / MICROSECONDS
    acknowledged = sum(answer.outcome is Outcome.ACKNOWLEDGED for answer in counted)
    cuts = statistics.quantiles(
        (answer.latency / MILLISECOND for answer in timed), n=1000, method="inclusive"
    )
    return Speed(rate=acknowledged / seconds, p50=cuts[499], p99=cuts[989], p999=cuts[998])


def statuses_of(answers: Iterable[Answer]) -> dict[str, int]:
    """Return how many answers had which status, as JSON takes it."""
    return {str(status): count for status, count in sorted(Counter(each.status for each in answers).items())}


@dataclass(frozen=True, slots=True)
class Spread:
    """The smallest, the median and the largest of a figure over all repetitions."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Return the spread of at least one value."""
        numbers = sorted(values)
        return cls(numbers[0], statistics.median(numbers), numbers[-1])


class Results:
    """All measurements of a run, by target and cell.

    Attributes:
        measurements: In the order in which they were made.
        targets: The names of the targets, in the order of tables.
        about: What to know about the run, in words or numbers: the machine, versions, the options.
    """

    def __init__(
        self,
        measurements: Iterable[Measurement],
        targets: Sequence[str],
        about: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.measurements = list(measurements)
        self.targets = list(targets)
        self.about = dict(about)
        self._groups: dict[tuple[str, Cell], list[Measurement]] = {}
        for each in self.measurements:
            self._groups.setdefault((each.target, each.cell), []).append(each)

    @property
    def cells(self) -> list[Cell]:
        """The cells in which anything was measured, in order."""
        return sorted({each.cell for each in self.measurements})

    def of(self, target: str, cell: Cell) -> list[Measurement]:
        """Return the repetitions; none if it was not measured."""
        return self._groups.get((target, cell), [])

    def spread(self, target: str, cell: Cell, figure: Callable[[Measurement], float]) -> Spread | None:
        """Return the spread of a figure; None if the target was not measured in this cell."""
        found = self.of(target, cell)
        return Spread.of(map(figure, found)) if found else None

    def groups(self) -> Iterator[tuple[str, Cell, list[Measurement]]]:
        """Return all repetitions by cell, and in it by target."""
        for cell in self.cells:
            for target in self.targets:
                if found := self.of(target, cell):
                    yield target, cell, found

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read what `save` has written.

        Raises:
            BenchmarkError: It cannot be read, or is not what this version writes.
        """
        with understanding(file, "a run"):
            content = json.loads(file.read_text("utf-8"))
            measurements = [Measurement.from_dict(each) for each in content["measurements"]]
            return cls(measurements, content["targets"], content["about"])

    def save(self, file: Path) -> None:
        """Write everything to a file, as JSON."""
        content = {
            "about": self.about,
            "targets": self.targets,
            "measurements": [asdict(each) for each in self.measurements],
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")

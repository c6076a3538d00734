"""A long run against one strategy: does memory grow, does anything fail, is anything lost or doubled?"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from benchmarks import usage
from benchmarks.errors import BenchmarkError
from benchmarks.figures import RATE, Cell, Measurement
from benchmarks.load import Dose
from benchmarks.stand import stand
from benchmarks.targets import Target

USUAL: Final = Cell(workers=2, connections=64, counters=1)
"""Where, unless asked for something else: on two processors, with the most clients that are measured elsewhere."""

MINUTES: Final = 10.0
"""How long, unless asked for something else."""

PIECE: Final = 15.0
"""Seconds of load between two looks at the memory."""

SETTLED: Final = 0.1
"""The part of the run after which all that is made once, as threads and connections, is there."""

ALLOWED: Final = 1.05
"""How many times the memory may be at the end what it was then: pages come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How workers stood ``minutes`` after the start: bytes in RAM of each, and increments a second until then.

    ``workers`` are the numbers of their processes.
    """

    minutes: float
    workers: Sequence[int]
    resident: Sequence[int]
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """What a long run came to; ``lost`` and ``doubled`` as in `Measurement`."""

    target: str
    cell: Cell
    looks: Sequence[Look]
    requests: int
    errors: int
    lost: int
    doubled: int

    @property
    def growth(self) -> float:
        """How many times what it was once settled a worker is at the end; of all workers, the one that grew most."""
        after = min(round(len(self.looks) * SETTLED), len(self.looks) - 1)
        end, settled = (
            dict(zip(look.workers, look.resident, strict=True))
            for look in (self.looks[-1], self.looks[after])
        )
        return max((end[each] / settled[each] for each in end.keys() & settled.keys()), default=math.inf)

    @property
    def holds(self) -> bool:
        """Whether no memory has grown and no worker died, nothing has failed, and nothing was lost or doubled."""
        have_lived = len({tuple(look.workers) for look in self.looks}) == 1
        return have_lived and self.growth <= ALLOWED and not (self.errors or self.lost or self.doubled)


def soak(target: Target, cell: Cell, *, minutes: float, threads: int, tell: Callable[[str], None]) -> Soaked:
    """Keep a closed loop going, and look at the workers every `PIECE` seconds.

    Args:
        target: What is put under load.
        cell: The circumstances.
        minutes: For how long.
        threads: Threads of each worker.
        tell: Is told, in a line, how it stands.

    Raises:
        BenchmarkError, LocalNodeError: Something is missing, does not start, or does not answer.
    """
    looks: list[Look] = []
    pieces: list[Measurement] = []
    with stand([target], workers=[cell.workers], threads=threads) as ready:
        master = ready.services[target.app.name, cell.workers].process.pid
        began = time.monotonic()
        for number in count(1):
            piece = ready.measure(target, cell, Dose(seconds=PIECE), repeat=number)
            pieces.append(piece)
            resident = usage.resident_bytes(master)
            look = Look(
                minutes=(time.monotonic() - began) / 60,
                workers=[*resident],
                resident=[*resident.values()],
                rate=piece.speed.rate,
            )
            looks.append(look)
            megabytes = ", ".join(f"{each / 10**6:,.1f}" for each in look.resident)
            tell(f"{look.minutes:4.1f} min: workers {megabytes} MB, {look.rate:,.0f}/s")
            if look.minutes >= minutes:
                break
    if len(looks) < 2:  # noqa: PLR2004 - or there is nothing to compare
        raise BenchmarkError(f"{minutes:g} minutes are too short; looks are {PIECE:g} s apart.")
    return Soaked(
        target=target.name,
        cell=cell,
        looks=looks,
        requests=sum(piece.requests for piece in pieces),
        errors=sum(piece.errors for piece in pieces),
        lost=sum(piece.lost or 0 for piece in pieces),
        doubled=sum(piece.doubled or 0 for piece in pieces),
    )


def rows(known: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return a table of about ten looks.

    Args:
        known: What `dataclasses.asdict` makes of a `Soaked`.
    """
    looks = known["looks"]
    step = max(1, len(looks) // 10)
    chosen = [*looks[:-1:step], looks[-1]]
    workers = [f"worker {number}, MB" for number in range(1, len(looks[0]["resident"]) + 1)]
    return [
        ("minute", *workers, RATE),
        *(
            (
                f"{look['minutes']:.1f}",
                *(f"{resident / 10**6:,.1f}" for resident in look["resident"]),
                f"{look['rate']:,.0f}",
            )
            for look in chosen
        ),
    ]

"""What requests wait for, and the slowest of them: for which step, and who has the processors meanwhile."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import fmean
from typing import Final, NamedTuple, TypeVar

from benchmarks import tables
from benchmarks.errors import BenchmarkError
from benchmarks.figures import MILLISECOND, Cell, speed_of
from benchmarks.load import MICROSECONDS, Answer, Dose, Outcome
from benchmarks.processors import ALL, COMPILERS, Accounts, Group, Time, merged, watched
from benchmarks.ratios import where
from benchmarks.routes.timed import SOON, Note, written_notes
from benchmarks.stand import Stand
from benchmarks.targets import ELASTICSEARCH, App, Target

TIMED: Final = Target(
    "batched", App("batched-timed", "benchmarks.routes.timed:app()", ELASTICSEARCH), "batched"
)
"""`/batched`, which says what happens to each increment."""

WARM_UP: Final = 1.0
SECONDS: Final = 4.0
"""For which a target is watched after the warm-up."""

SLOWEST: Final = 0.01
"""The part of all requests that are the slowest."""
THE_SLOWEST: Final = f"the slowest {SLOWEST:.0%}"

COLLECTORS: Final = ("GC ", "G1 ", "VM ")
"""What the names of those of the JVM's own threads begin with that collect garbage."""

GUNICORN: Final = "gunicorn"
COMPILING: Final = "the JVM, compiling"
COLLECTING: Final = "the JVM, collecting"
SERVING: Final = "Elasticsearch"
MEASURING: Final = "these accounts"
GROUPS: Final = (GUNICORN, COMPILING, COLLECTING, SERVING, MEASURING)

T = TypeVar("T")


class Pace(NamedTuple):
    """At which pace requests came.

    Attributes:
        due: How many were due a second.
        kept_up: How many of these were acknowledged in time, for one that was due: 1 if no queue grew.
    """

    due: float
    kept_up: float


@dataclass(frozen=True, slots=True)
class Wait:
    """What requests waited for, in milliseconds on average, and who had the processors meanwhile.

    Attributes:
        whose: Which requests.
        number: How many they are.
        pace: Of all requests; None in a closed loop.
        total: From when they were due to their answers.
        in_strategy: From when the strategy had them until they went on; None if it does not tell. The slowest there
            need not be those that are the slowest in all. Its steps are the next four.
        behind: Until the write before theirs was over; None likewise.
        to_write: Until theirs began, for which it waits for those that are about to join; likewise.
        writing: Until that was acknowledged; likewise.
        to_go_on: Until they went on, as those of one write do one after the other; likewise.
        moments: In how many moments they were under way, from when nobody of them was until nobody was again.
        had: How many processors each group had, and for how many more its threads waited, by its name. ALL is the
            machine, which waits for its host.
    """

    whose: str
    number: int
    pace: Pace | None
    total: float
    in_strategy: float | None
    behind: float | None
    to_write: float | None
    writing: float | None
    to_go_on: float | None
    moments: int
    had: Mapping[str, Time]


def waits(ready: Stand, target: Target, cell: Cell, rate: float) -> list[Wait]:
    """Put load on a target and return what all requests waited for, and what the slowest did.

    Args:
        ready: Has it.
        target: `TIMED`, or one that does not tell of its steps.
        cell: The circumstances.
        rate: Requests that are due a second; 0 for a closed loop.

    Raises:
        BenchmarkError: Too few were acknowledged, or the system does not say who has its processors.
    """
    dose = Dose(seconds=WARM_UP + SECONDS, warm_up=WARM_UP, rate=rate)
    workers = ready.workers(target, cell)
    store = ready.elasticsearch.pid
    with watched([*workers, store, os.getpid()], groups_of(workers, store)) as accounts:
        began = time.monotonic()
        load = ready.put_load_on(target, cell, dose)
    warm = began + WARM_UP
    answers = [
        answer
        for answer in load.answers
        if answer.due >= warm * MICROSECONDS and answer.outcome is Outcome.ACKNOWLEDGED
    ]
    noted = noted_since(warm, workers) if target == TIMED else []
    if len(answers) * SLOWEST < 1 or (target == TIMED and len(noted) * SLOWEST < 1):
        raise BenchmarkError(f"{target.name} answered too little: {len(answers)} requests.")
    speed = speed_of(load.answers, dose)
    pace = Pace(rate, speed.rate / rate) if speed and rate else None
    label = f"{target.name}: {where(cell)}"
    return [
        wait_of(f"{label}: all", answers, noted, accounts, pace=pace),
        wait_of(
            f"{label}: {THE_SLOWEST}",
            slowest(answers, attrgetter("latency")),
            slowest(noted, attrgetter("seconds")),
            accounts,
            pace=pace,
        ),
    ]


def groups_of(workers: Sequence[int], store: int) -> Mapping[str, Group]:
    """Return whose threads are watched: gunicorn's workers', Elasticsearch's by what they are for, and one's own."""
    return {
        GUNICORN: lambda process, _name: process in workers,
        COMPILING: lambda process, name: process == store and name.startswith(COMPILERS),
        COLLECTING: lambda process, name: process == store and name.startswith(COLLECTORS),
        SERVING: lambda process, _name: process == store,
        MEASURING: lambda process, _name: process == os.getpid(),
    }


def noted_since(moment: float, workers: Iterable[int]) -> list[Note]:
    """Return what workers have noted of those that came since then, once it is written."""
    time.sleep(2 * SOON)
    return [note for worker in workers for note in written_notes(worker) if note.came >= moment]


def slowest(found: Sequence[T], took: Callable[[T], float]) -> list[T]:
    """Return those that took longest."""
    return sorted(found, key=took)[len(found) - round(SLOWEST * len(found)) :]


def wait_of(
    whose: str,
    answers: Sequence[Answer],
    noted: Sequence[Note],
    accounts: Accounts,
    *,
    pace: Pace | None,
) -> Wait:
    """Return what requests waited for.

    Args:
        whose: Which they are.
        answers: What became of them.
        noted: What the strategy has noted of as many; none if it notes nothing.
        accounts: Who had the processors.
        pace: Of all requests; None in a closed loop.
    """
    spans = merged((answer.due / MICROSECONDS, answer.ended / MICROSECONDS) for answer in answers)

    def mean(seconds: Callable[[Note], float]) -> float | None:
        return fmean(1000 * seconds(note) for note in noted) if noted else None

    return Wait(
        whose=whose,
        number=len(answers),
        pace=pace,
        total=fmean(answer.latency for answer in answers) / MILLISECOND,
        in_strategy=mean(attrgetter("seconds")),
        behind=mean(lambda note: note.was_free - note.came),
        to_write=mean(lambda note: note.write_began - note.was_free),
        writing=mean(lambda note: note.write_ended - note.write_began),
        to_go_on=mean(lambda note: note.went_on - note.write_ended),
        moments=len(spans),
        had={group: accounts.utilization(group, spans) for group in (*GROUPS, ALL)},
    )


def rows(found: Sequence[Wait]) -> list[tables.Row]:
    """Return a row for each, and a head."""
    return [
        (
            "",
            "requests",
            "moments",
            "due/s",
            "acknowledged ÷ due",
            "ms in all",
            "in the strategy",
            "behind a write",
            "until its own",
            "the write",
            "until it goes on",
            "processors busy",
            *GROUPS,
            "load and all else",
            "waiting: gunicorn",
            "waiting: Elasticsearch",
            "withheld by the host",
        ),
        *(
            (
                each.whose,
                f"{each.number:,}",
                f"{each.moments:,}",
                *((f"{each.pace.due:,.0f}", f"{each.pace.kept_up:.2f}") if each.pace else ("-", "-")),
                *(
                    _or_dash(ms)
                    for ms in (
                        each.total,
                        each.in_strategy,
                        each.behind,
                        each.to_write,
                        each.writing,
                        each.to_go_on,
                    )
                ),
                *(f"{each.had[group].ran:.2f}" for group in (ALL, *GROUPS)),
                f"{each.had[ALL].ran - sum(each.had[group].ran for group in GROUPS):.2f}",
                *(f"{each.had[group].waited:.2f}" for group in (GUNICORN, SERVING, ALL)),
            )
            for each in found
        ),
    ]


def _or_dash(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.1f}"

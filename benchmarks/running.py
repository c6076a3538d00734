"""A run: every target in every cell, side by side and again and again, so that a disturbance hits all of them alike."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks import load
from benchmarks.figures import Cell, Measurement, Results
from benchmarks.load import Dose
from benchmarks.machine import facts
from benchmarks.stand import Stand, prepare, stand
from benchmarks.targets import Target
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run goes through.

    Attributes:
        connections: Numbers of connections of closed loops; the largest is that of constant rates.
        workers: Numbers of gunicorn's workers.
        counters: Numbers of counters; the smallest is that of constant rates.
        percents: Parts of the maximum, in percent, at which requests come at a constant rate.
        repeats: How often everything is measured; an even number, for each second one takes targets backwards.
        seconds: How long each closed loop is measured, the warm-up included.
        rate_seconds: How long each constant rate is, likewise.
        warm_up: Seconds at the beginning of each measurement that do not count.
        prepare: Seconds of load before the first measurement, on the targets that Elasticsearch is behind, in turn and
            again and again: its JVM compiles what is used much, and anew what is then used otherwise.
        threads: Threads of each worker.
    """

    connections: tuple[int, ...] = (1, 8, 32, 64)
    workers: tuple[int, ...] = (1, 2)
    counters: tuple[int, ...] = (1, 1000)
    percents: tuple[int, ...] = (50, 70, 90)
    repeats: int = 4
    seconds: float = 2.0
    rate_seconds: float = 2.5
    warm_up: float = 0.5
    prepare: float = 600.0
    threads: int = 64


@dataclass(frozen=True, slots=True)
class Step:
    """A measurement to be made; the rate of one that has none, but a share, is found by those before it."""

    target: Target
    cell: Cell
    repeat: int


def closed_loops(targets: Sequence[Target], plan: Plan) -> Iterator[Step]:
    """Give the measurements of the maximum: repetition by repetition, cell by cell, targets in a random order.

    Random, so that none always comes after the same other one, whose writes a store may still be busy with. Each second
    repetition takes the targets of each cell backwards, so that of two neither comes first more often, if their number
    is even. It is the same in every run.
    """
    cells = [
        Cell(workers=workers, connections=connections, counters=counters)
        for workers in plan.workers
        for counters in plan.counters
        for connections in plan.connections
    ]
    return _steps(targets, cells, plan.repeats)


def constant_rates(targets: Sequence[Target], plan: Plan) -> Iterator[Step]:
    """Give the measurements at parts of the maximum, likewise."""
    cells = [
        Cell(
            workers=workers,
            connections=max(plan.connections),
            counters=min(plan.counters),
            share=percent / 100,
        )
        for workers in plan.workers
        for percent in plan.percents
    ]
    return _steps([target for target in targets if not target.aside], cells, plan.repeats)


def _steps(targets: Sequence[Target], cells: Sequence[Cell], repeats: int) -> Iterator[Step]:
    for repeat in range(1, repeats + 1):
        for cell in cells:
            for target in _in_turn(targets, cell, repeat):
                if _is_measured(target, cell):
                    yield Step(target, cell, repeat)


def _in_turn(targets: Sequence[Target], cell: Cell, repeat: int) -> Sequence[Target]:
    """Return the targets in the order of a cell and a repetition."""
    pair = (repeat + 1) // 2
    generator = random.Random(f"{cell} {pair}")  # noqa: S311 - not for secrets
    shuffled = generator.sample(targets, len(targets))
    return shuffled if repeat % 2 else shuffled[::-1]


def _is_measured(target: Target, cell: Cell) -> bool:
    if target.connections is not None and cell.connections not in target.connections:
        return False
    return not target.aside or cell.counters == 1


def run(targets: Sequence[Target], plan: Plan, *, command: str, tell: Callable[[str], None]) -> Results:
    """Measure everything.

    Args:
        targets: What is measured.
        plan: In which circumstances.
        command: What one types for that.
        tell: Is told, in a line, what is being done.

    Raises:
        BenchmarkError, LocalNodeError: Something is missing, does not start, or does not answer.
    """
    # Now, for by the end of a run the checkout may be another.
    today = facts([load.version()])
    tell("Starting the stores, and each application once for each number of workers.")
    with stand(targets, workers=plan.workers, threads=plan.threads) as ready:
        tell("Warming up.")
        prepare(ready, _to_prepare(targets, plan), seconds=plan.prepare)
        names = [target.name for target in targets]
        found = Results(_measured(ready, closed_loops(targets, plan), plan, tell=tell), names)
        at_rates = _measured(ready, constant_rates(targets, plan), plan, tell=tell, maxima=found)
        measurements = [*found.measurements, *at_rates]
        about = {
            **today,
            "command": command,
            "versions": [
                *today["versions"],
                *dict.fromkeys(store.version for store in ready.stores.values()),
            ],
            "file_system": ready.file_system,
            "plan": asdict(plan),
            "keyed": _keyed(ready, targets, plan, found),
        }
        return Results(measurements, names, about)


def _to_prepare(targets: Sequence[Target], plan: Plan) -> Iterator[tuple[Target, Cell]]:
    """Give the targets with all workers and counters, and with the most connections at which each is measured."""
    for target in targets:
        if connections := set(plan.connections) & set(target.connections or plan.connections):
            for step in closed_loops([target], replace(plan, repeats=1, connections=(max(connections),))):
                yield step.target, step.cell


def due(share: float, maximum: float) -> float:
    """Return how many requests a second are due at a share of a maximum: at least one, for 0 is a closed loop."""
    return max(1.0, share * maximum)


def _measured(
    ready: Stand,
    steps: Iterator[Step],
    plan: Plan,
    *,
    tell: Callable[[str], None],
    maxima: Results | None = None,
) -> Iterator[Measurement]:
    todo = list(steps)
    for number, step in enumerate(todo, start=1):
        cell, dose = step.cell, Dose(seconds=plan.seconds, warm_up=plan.warm_up)
        if maxima is not None:
            closed = Cell(workers=cell.workers, connections=cell.connections, counters=cell.counters)
            maximum = maxima.spread(step.target.name, closed, lambda each: each.speed.rate)
            rate = due(cell.share, maximum.median if maximum else 0.0)
            dose = Dose(seconds=plan.rate_seconds, warm_up=plan.warm_up, rate=rate)
        made = ready.measure(step.target, cell, dose, repeat=step.repeat)
        kind = f"{cell.share:.0%} of its maximum" if maxima else "closed loop"
        tell(
            f"{number}/{len(todo)} {step.target.name}, workers {cell.workers}, connections {cell.connections},"
            f" counters {cell.counters}, {kind}: {made.speed.rate:,.0f}/s, p99 {made.speed.p99:,.1f} ms"
        )
        yield made


def _keyed(ready: Stand, targets: Sequence[Target], plan: Plan, measured: Results) -> dict[str, Any]:
    """Return how many operations a counter remembers, and what its document has grown to, by target with keys."""
    cell = Cell(workers=max(plan.workers), connections=max(plan.connections), counters=1)
    return {
        "log_size": Settings.from_env().idempotency_log_size,
        "bytes": {
            target.name: ready.size_bytes(target, cell)
            for target in targets
            if target.keyed and measured.of(target.name, cell)
        },
    }

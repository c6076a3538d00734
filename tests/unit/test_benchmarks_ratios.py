"""The goals: what is compared with what, and whether it is met."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.figures import Cell, Measurement, Results
from benchmarks.ratios import Ratio, ratios_of
from tests.measurements import measured

HOT_32 = Cell(workers=1, connections=32, counters=1)


def measurement(target: str, cell: Cell, *, cpu: float = 1.0, **others: Any) -> Measurement:
    """Return a measurement of 1,000 requests, each of which took gunicorn so many milliseconds of CPU time."""
    return measured(target, cell, cpu={"gunicorn": cpu, "load": 9.0}, **others)


def found(*measurements: Measurement) -> dict[str, Ratio]:
    """Return the ratios by name."""
    targets = list(dict.fromkeys(each.target for each in measurements))
    return {ratio.name: ratio for ratio in ratios_of(Results(measurements, targets))}


def twice(*measurements: Measurement) -> list[Measurement]:
    """Return measurements that came to the same in a second round."""
    return [replace(each, repeat=repeat) for each in measurements for repeat in (1, 2)]


def test_a_ratio_is_of_medians() -> None:
    """One round that was disturbed does not count."""
    batched = [
        measurement("batched", HOT_32, repeat=repeat, rate=rate)
        for repeat, rate in enumerate((10, 95, 96, 97, 95))
    ]
    bare = [measurement("bare", HOT_32, repeat=repeat) for repeat in range(5)]

    ratio = found(*batched, *bare)["batched ÷ bare, increments/s"]

    assert ratio.value == pytest.approx(0.95)
    assert ratio.is_met


@pytest.mark.parametrize(
    ("rates", "verdict"), [((90, 91, 99), True), ((70, 91, 99), None), ((70, 71, 89), False)]
)
def test_rounds_that_disagree_decide_nothing(rates: tuple[float, ...], verdict: bool | None) -> None:  # noqa: FBT001
    """Each round is a measurement of its own, in which both were measured side by side."""
    measurements = [
        measurement(target, HOT_32, repeat=repeat, rate=rate)
        for repeat, batched in enumerate(rates, start=1)
        for target, rate in (("batched", 2 * batched), ("bare", 200))
    ]

    ratio = found(*measurements)["batched ÷ bare, increments/s"]

    assert verdict is ratio.is_met


def test_a_single_round_decides_nothing() -> None:
    """Whatever it came to: one measurement has no spread."""
    ratio = found(measurement("batched", HOT_32, rate=200), measurement("bare", HOT_32))[
        "batched ÷ bare, increments/s"
    ]

    assert (2.0, None) == (ratio.value, ratio.is_met)


def test_who_does_not_keep_up_in_most_rounds_decides_nothing() -> None:
    """Its times are those of a queue that grows as long as one looks."""
    cell = replace(HOT_32, share=0.9)

    def verdict(*rates: tuple[float, float]) -> bool | None:
        measurements = [
            replace(measurement(target, cell, repeat=repeat, rate=rate), asked=100)
            for repeat, both in enumerate(rates)
            for target, rate in zip(("batched", "bare"), both, strict=True)
        ]
        return found(*measurements)["batched ÷ bare, p99"].is_met

    assert verdict((100, 100), (100, 100), (50, 100)) is True
    assert verdict((100, 100), (50, 100), (50, 100)) is None
    assert verdict((100, 100), (50, 100), (100, 50)) is None


@pytest.mark.parametrize(("workers", "bound"), [(1, 0.90), (2, 0.70)])
def test_the_batched_strategy_is_to_reach_a_part_of_the_bare_route(workers: int, bound: float) -> None:
    """With two workers, both of whose cores Elasticsearch needs as well, a smaller one."""
    cell = replace(HOT_32, workers=workers)

    ratio = found(*twice(measurement("batched", cell, rate=80), measurement("bare", cell)))[
        "batched ÷ bare, increments/s"
    ]

    assert bound == ratio.bound
    assert (workers == 2) is ratio.is_met


def test_peers_are_to_be_surpassed() -> None:
    """By 30 percent, where both are durable: nobody is compared with a Redis that syncs once a second."""
    ratios = found(
        *twice(*(measurement(name, HOT_32) for name in ("postgres", "redis-always", "redis-everysec"))),
        *twice(measurement("batched", HOT_32, rate=131)),
    )

    assert [True, True] == [
        ratios[f"batched ÷ {peer}, increments/s"].is_met for peer in ("postgres", "redis-always")
    ]
    assert not any("everysec" in name for name in ratios)


def test_tails_are_compared_in_closed_loops_and_at_constant_rates() -> None:
    """At most twice the bare route's."""
    at_rate = replace(HOT_32, share=0.9)
    ratios = ratios_of(
        Results(
            twice(
                *(
                    measurement(target, cell, p99=p99)
                    for cell in (HOT_32, at_rate)
                    for target, p99 in (("batched", 5.0), ("bare", 2.0))
                )
            ),
            ["batched", "bare"],
        )
    )

    tails = [ratio for ratio in ratios if ratio.name == "batched ÷ bare, p99"]

    assert [
        ("1 worker, 32 connections, one counter", 2.5, False),
        ("1 worker, 32 connections, one counter, each at 90% of its maximum", 2.5, False),
    ] == [(ratio.where, ratio.value, ratio.is_met) for ratio in tails]


def test_a_lone_client_is_compared_by_its_median() -> None:
    """With the strategy that does not batch."""
    lone = replace(HOT_32, connections=1)

    ratio = found(*twice(measurement("batched", lone, p50=1.2), measurement("scripted", lone)))[
        "batched ÷ scripted, p50"
    ]

    assert ("≤ 1.10", False) == (ratio.goal, ratio.is_met)


def test_many_counters_are_compared_by_rate() -> None:
    """Three times what one write an increment reaches."""
    many = replace(HOT_32, counters=1000)

    ratio = found(*twice(measurement("batched", many, rate=300), measurement("scripted", many)))[
        "batched ÷ scripted, increments/s"
    ]

    assert ("≥ 3.00", True) == (ratio.goal, ratio.is_met)


def test_the_path_through_the_service_is_compared_by_cpu_time_of_gunicorn() -> None:
    """As it is shipped, with its line in the log; whatever the load generator takes."""
    ratio = found(*twice(measurement("stack, logging", HOT_32, cpu=1.1), measurement("bare", HOT_32)))[
        "stack, logging ÷ bare, CPU of gunicorn an increment"
    ]

    assert ratio.value == pytest.approx(1.1)
    assert ratio.is_met


def test_cost_may_grow_with_the_connections_and_no_faster() -> None:
    """64 callers at once may wait 64 times as long as one, and take no more CPU time each."""
    lone, crowd = (replace(HOT_32, connections=connections) for connections in (1, 64))
    ratios = found(
        *twice(measurement("batched", lone, p50=1, cpu=2), measurement("batched", crowd, p50=65, cpu=1))
    )

    assert ratios["batched, 64 connections ÷ batched, 1 connection, p50"].is_met is False
    assert ratios["batched, 64 connections ÷ batched, 1 connection, CPU an increment"].is_met


def test_what_was_not_measured_is_not_compared() -> None:
    """Nor what came to nothing."""
    assert {} == found(measurement("bare", HOT_32))
    assert {} == found(measurement("bare", HOT_32, rate=0, p99=0), measurement("batched", HOT_32))

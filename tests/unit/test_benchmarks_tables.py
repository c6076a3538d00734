"""Figures as tables."""

import re
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import soak, tables
from benchmarks.figures import Cell, Measurement, Results
from benchmarks.ratios import Ratio
from tests import measurements

CELL = Cell(workers=2, connections=64, counters=1)
ABOUT: dict[str, Any] = {
    **measurements.ABOUT,
    "keyed": {"log_size": 1000, "bytes": {"occ, keyed": 61000}},
}


def measurement(rate: float, *, target: str = "occ", **others: Any) -> Measurement:
    """Return a measurement of 1,000 requests."""
    used = {"cpu": {"gunicorn": 0.5, "load": 0.25}, "resident": (70 * 10**6, 71 * 10**6)}
    return measurements.measured(target, CELL, rate=rate, p50=1.25, p99=20, p999=1500, **used, **others)


def row_of(*measurements: Measurement) -> dict[str, str]:
    """Return the only row of the only table, by column."""
    ((_title, (head, row)),) = tables.cells_of(Results(measurements, [measurements[0].target], ABOUT))
    return dict(zip(head, row, strict=True))


def test_a_figure_has_its_median_and_its_range() -> None:
    """One that never differs is said once."""
    row = row_of(measurement(1000), measurement(1500), measurement(1200))

    assert ("1,200 (1,000 to 1,500)", "1.2", "1,500.0") == (
        row["increments/s"],
        row["p50 ms"],
        row["p99.9 ms"],
    )


def test_processor_time_and_what_a_write_carries_have_their_ranges() -> None:
    """Microseconds of a request, and increments."""
    row = row_of(
        measurement(1, writes=100), replace(measurement(1, writes=50), cpu={"gunicorn": 0.7, "load": 0.25})
    )

    assert ("15.0 (10.0 to 20.0)", "600 (500 to 700)", "250") == (
        row["a write"],
        row["CPU µs: gunicorn"],
        row["load"],
    )


def test_a_jvm_that_still_compiles_is_told_of() -> None:
    """It is a part of the store's processor time: also in microseconds of a request, and 0 if it is at rest."""
    row = row_of(*(measurement(1, compiling=seconds) for seconds in (0.0, 0.2, 0.04)))

    assert "40 (0 to 200)" == row["its JVM compiling"]


def test_errors_are_added_up_and_named() -> None:
    """0 is that there was no answer."""
    row = row_of(
        measurement(1, statuses={"200": 900, "409": 100}), measurement(1, statuses={"0": 1, "200": 999})
    )

    assert "101 (0, 409)" == row["errors"]


def test_what_a_store_does_not_count_stays_empty() -> None:
    """It is not a 0."""
    row = row_of(measurement(1))

    unknown = ("conflicts", "a write", "lost", "doubled", "store", "its JVM compiling")
    assert {""} == {row[name] for name in unknown}


def test_what_a_store_counts_is_told() -> None:
    """A write may carry many increments; CPU time is that of one, in microseconds."""
    row = row_of(measurement(1, writes=50, conflicts=3, lost=1, doubled=0))

    assert ("3", "20.0", "1", "0") == tuple(row[name] for name in ("conflicts", "a write", "lost", "doubled"))
    assert ("500", "250", "70 → 71") == (row["CPU µs: gunicorn"], row["load"], row["worker MB"])


def ratio_of(**others: Any) -> Ratio:
    """Return a ratio of 2.5, whose goal is 2 at most unless ``others`` say otherwise."""
    usual = {"target": "a", "other": "b", "figure": "p99", "where": "1 worker", "value": 2.5, "at_most": True}
    return Ratio(**{"bound": 2.0, **usual, **others})


def test_a_goal_says_whether_it_is_met() -> None:
    """With what it is, what it was within rounds (the median, and the quartiles), and what it should be."""
    ratio = ratio_of(quartiles=(2.25, 2.5, 3.0))

    row = ("a ÷ b, p99", "1 worker", "2.50", "2.50 (2.25 to 3.00)", "≤ 2.00", "no")
    assert row == tables.ratios([ratio])[1]


def test_a_goal_that_was_measured_once_is_undecided() -> None:
    """There were no rounds to differ."""
    ratio = ratio_of()

    assert ("2.50", "", "≤ 2.00", "undecided") == tuple(tables.ratios([ratio])[1][2:])


def test_who_was_too_slow_for_the_rate_decides_nothing() -> None:
    """The table says why."""
    ratio = ratio_of(kept_up=False)

    assert "undecided: too slow for the rate" == tables.ratios([ratio])[1][-1]


def test_the_rates_of_batched_stand_beside_those_of_others() -> None:
    """Where there is no goal the place is empty; nothing else that is compared is among them."""
    here: dict[str, Any] = {"target": "batched", "figure": "increments/s", "at_most": False}
    there = {**here, "where": "2 workers"}
    ratios = [
        ratio_of(**here, other="bare", quartiles=(2.25, 2.5, 3.0)),
        ratio_of(**there, other="bare", quartiles=(1.0, 1.25, 1.5), value=1.5),
        ratio_of(**here, other="redis", quartiles=(1.0, 1.5, 1.75)),
        ratio_of(**{**here, "figure": "p99"}, other="bare"),
        ratio_of(**{**here, "target": "occ"}, other="raw"),
    ]

    assert [
        ("increments/s, batched ÷", "bare", "redis"),
        ("1 worker", "2.50 (≥ 2.00: yes)", "2.50 (≥ 2.00: undecided)"),
        ("2 workers", "1.50 (≥ 2.00: no)", ""),
    ] == tables.rivals(ratios)


def test_a_ratio_of_rates_is_the_product_of_what_processors_do() -> None:
    """Of how long they need for an increment, and of how many are busy; medians, of gunicorn and of all."""
    cpu = {"gunicorn": 0.4, "store": 0.1, "load": 0.25}
    measured = [
        *(replace(measurement(rate, target="batched"), cpu=cpu) for rate in (1000, 1600, 9000)),
        measurement(2000, target="bare"),
    ]
    of_rates: dict[str, Any] = {"target": "batched", "other": "bare", "figure": "increments/s"}
    place = {"where": "2 workers, 64 connections, one counter"}
    ratios = [
        ratio_of(**of_rates, **place, value=0.8, bound=0.7, at_most=False),
        ratio_of(**{**of_rates, "figure": "p99"}, **place),
        ratio_of(**{**of_rates, "target": "occ"}, **place),
    ]

    head, row = tables.processors(Results(measured, ["batched", "bare"], ABOUT), ratios)
    assert {
        "ratio": "batched ÷ bare, increments/s",
        "with": "2 workers, 64 connections, one counter",
        "of medians": "0.80",
        "met": "undecided",
        "CPU µs: gunicorn": "500 ÷ 400 = 1.25",
        "busy: gunicorn": "0.64 ÷ 1.00 = 0.64",
        "CPU µs: all": "750 ÷ 750 = 1.00",
        "busy: all": "1.20 ÷ 1.50 = 0.80",
    } == dict(zip(head, row, strict=True))


def test_at_a_constant_rate_that_is_told_beside_what_it_came_to() -> None:
    """In a column of its own."""
    made = replace(measurement(95), cell=replace(CELL, share=0.9), asked=100)
    ((_title, (head, row)),) = tables.cells_of(Results([made], ["occ"], ABOUT))

    assert ("target", "asked for/s", "increments/s") == tuple(head[:3])
    assert ("occ", "100", "95") == tuple(row[:3])


def test_the_window_is_what_is_remembered_over_the_rate() -> None:
    """1,000 operations at 500 a second are 2 seconds."""
    rows = tables.keyed(Results([measurement(500, target="occ, keyed")], ["occ, keyed"], ABOUT))

    assert ["occ, keyed", "2 workers, 64 connections, one counter", "500", "2.0", "61,000"] == [*rows[1]]


def test_a_summary_has_a_row_for_each_target_that_was_measured_throughout() -> None:
    """What failed is a part of all, and what was lost of what was acknowledged; nothing where nothing is stored."""
    some_failed = measurement(1234.5, lost=200, statuses={"200": 800, "409": 200})
    nothing_stored = measurement(2000, target="bare")
    head, *rows = tables.summary(Results([some_failed, nothing_stored], ["occ", "raw", "bare"], ABOUT))

    assert ("increments/s", "2 workers, 64 connections", "p99 there", "failed there", "lost there") == head
    assert [("occ", "1,234", "20 ms", "20%", "25%"), ("bare", "2,000", "20 ms", "0%", "")] == rows


def test_who_reads_a_table_knows_where_it_comes_from() -> None:
    """And how often and how long was measured."""
    said = tables.about(Results([], [], ABOUT))

    assert "2026-01-31 by `make bench` on 2 cores and 24 GiB (Linux x86_64, data on ext4)" in said
    assert "each figure 3 times, for 1.5 s after 0.5 s of warm-up" in said


def test_who_reads_a_table_knows_that_a_quick_run_is_worth_nothing() -> None:
    """A median needs three figures at least."""
    quick = {**ABOUT, "plan": {**ABOUT["plan"], "repeats": 1}}

    assert "worth nothing" in tables.about(Results([], [], quick))
    assert "worth nothing" not in tables.about(Results([], [], ABOUT))


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """The first one to the left, all others to the right."""
    assert "a      bb\nccc  1234\n" == tables.in_columns([("a", "bb"), ("ccc", "1234")])


def test_markdown_has_a_rule_under_the_head() -> None:
    """Without which it would be no table."""
    assert "| a | b |\n| --- | ---: |\n| 1 | 2 |\n" == tables.in_markdown([("a", "b"), ("1", "2")])


def test_of_a_long_run_about_ten_looks_are_shown() -> None:
    """The first and the last among them."""
    looks = [{"minutes": number / 4, "resident": [10**6, 2 * 10**6], "rate": 100.0} for number in range(40)]

    head, *rows = soak.rows({"looks": looks})

    assert ("minute", "worker 1, MB", "worker 2, MB", "increments/s") == head
    assert ("0.0", "9.8") == (rows[0][0], rows[-1][0])
    assert len(rows) == 11
    assert all(re.fullmatch(r"\d+\.\d", row[0]) for row in rows)


def look(megabytes: int) -> soak.Look:
    """Return how two workers stood, one of them with so much memory."""
    return soak.Look(minutes=1.0, workers=[7, 8], resident=[50 * 10**6, megabytes * 10**6], rate=1.0)


def soaked(*megabytes: int, lost: int = 0, doubled: int = 0, errors: int = 0) -> soak.Soaked:
    """Return a long run in which one of two workers had so much memory, look by look."""
    return soak.Soaked(
        target="occ",
        cell=CELL,
        looks=[look(each) for each in megabytes],
        requests=10,
        errors=errors,
        lost=lost,
        doubled=doubled,
    )


def test_what_a_worker_makes_once_is_not_growth() -> None:
    """A tenth of the run is for that."""
    assert soaked(60, *[100] * 10).holds


def test_a_worker_that_grows_on_is_told() -> None:
    """The largest or not."""
    run = soaked(60, *range(100, 110))

    assert run.growth == 1.09
    assert not run.holds
    assert not soaked(20, *range(20, 30)).holds


def test_a_long_run_in_which_a_worker_dies_does_not_hold() -> None:
    """Who takes its place begins small: only those that have lived are compared."""
    run = soaked(100, 100, 100)
    replaced = replace(run.looks[-1], workers=[8, 9], resident=[100 * 10**6, 20 * 10**6])

    run = replace(run, looks=[*run.looks[:-1], replaced])

    assert run.growth == 1
    assert not run.holds


@pytest.mark.parametrize("wrong", ["lost", "doubled"])
def test_a_long_run_that_loses_or_doubles_does_not_hold(wrong: str) -> None:
    """However little memory it takes."""
    assert not soaked(100, 100, **{wrong: 1}).holds


def test_a_long_run_in_which_something_fails_does_not_hold() -> None:
    """Its pieces take longer than a request may: who starves fails."""
    assert not soaked(100, 100, errors=1).holds


def test_the_ways_of_a_strategy_are_told_where_all_of_them_were_measured() -> None:
    """And nothing that only begins like its name, nor the same with keys."""
    elsewhere = replace(measurement(50), cell=replace(CELL, workers=1))
    measured = [
        measurement(200, conflicts=500, writes=1000),
        measurement(40, target="occ, no backoff", conflicts=4000, writes=1000),
        measurement(90, target="occ, keyed"),
        measurement(900, target="occasional"),
        elsewhere,
    ]
    results = Results(measured, ["occ", "occ, no backoff", "occ, keyed", "occasional"], ABOUT)

    _head, *rows = tables.ways(results, "occ")

    assert [
        ("occ", "2 workers, 64 connections", "200", "20 ms", "0.50", "1.0", "0"),
        ("occ, no backoff", "2 workers, 64 connections", "40", "20 ms", "4.00", "1.0", "0"),
    ] == rows

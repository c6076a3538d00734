"""What answers come to, and what becomes of repeated measurements."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement, Results, Speed, Spread, speed_of, statuses_of
from benchmarks.load import Answer, Dose, Outcome
from tests.measurements import measured

MILLISECOND = 10**3
CELL = Cell(workers=1, connections=32, counters=1)


def answers(*times: tuple[int, int], late: int = 0, status: int = 200) -> list[Answer]:
    """Return answers to requests that were due at, left so late, and then took so many milliseconds."""
    outcome = Outcome.ACKNOWLEDGED if status == 200 else Outcome.REFUSED
    return [
        Answer(
            due * MILLISECOND,
            (due + late) * MILLISECOND,
            (due + late + latency) * MILLISECOND,
            status,
            outcome,
        )
        for due, latency in times
    ]


def measurement(rate: float = 1.0, *, target: str = "occ", cell: Cell = CELL, repeat: int = 1) -> Measurement:
    """Return a measurement of which only the rate matters."""
    return measured(
        target,
        cell,
        rate=rate,
        repeat=repeat,
        requests=10,
        statuses={"200": 8, "409": 2},
        writes=4,
        cpu={"gunicorn": 0.02, "store": 0.01, "load": 0.005},
        resident=(1, 2),
    )


def test_a_closed_loop_counts_what_was_answered_after_the_warm_up_and_before_the_end() -> None:
    """100 answers, each 10 ms after the last: of the 2nd half of the second there are 50."""
    speed = speed_of(answers(*((10 * number, 10) for number in range(100))), Dose(seconds=1.0, warm_up=0.5))

    assert speed is not None
    assert speed.rate == pytest.approx(100)
    assert speed.p50 == speed.p999 == 10


def test_a_closed_loop_times_what_was_sent_in_it_to_the_end() -> None:
    """Of 100 requests that were sent one every 10 ms, the last ten took 3 s, which is more than the loop did."""
    times = [(10 * number, 3000 if number >= 90 else 10) for number in range(100)]

    speed = speed_of(answers(*times), Dose(seconds=1.0, warm_up=0.5))

    assert speed is not None
    assert (10, 3000) == (speed.p50, speed.p99)
    # Of those in time the first was sent before the warm-up's end.
    assert speed.rate == pytest.approx(41 / 0.5)


def test_what_was_refused_is_not_a_rate() -> None:
    """Its time counts nevertheless."""
    speed = speed_of(answers(*((10 * number, 10) for number in range(100)), status=409), Dose(seconds=1.0))

    assert speed == Speed(rate=0, p50=10, p99=10, p999=10)


def test_at_a_constant_rate_a_delay_is_not_a_lower_rate() -> None:
    """One request was due every 10 ms, and each was answered 110 ms after that: still one every 10 ms."""
    times = [(10 * number, 10) for number in range(150)]

    speed = speed_of(answers(*times, late=100), Dose(seconds=1.5, warm_up=0.5, rate=100))

    assert speed is not None
    assert (110, 110) == (speed.p50, speed.p99)
    # The clock starts when the first is sent, which is late as well.
    assert speed.rate == pytest.approx(100)


def test_who_falls_behind_has_a_lower_rate_and_times_from_when_each_was_due() -> None:
    """One was due every 10 ms and answered every 20 ms: the hundredth is answered after 2 s, 1 s after it was due."""
    dose = Dose(seconds=1.0, rate=100)

    speed = speed_of(answers(*((10 * number, 20 + 10 * number) for number in range(100))), dose)

    assert speed is not None
    assert speed.rate == pytest.approx(50, rel=0.05)
    assert speed.p999 == pytest.approx(1010, rel=0.01)


@pytest.mark.parametrize(("asked", "kept_up"), [(0, True), (100, True), (105, True), (106, False)])
def test_who_answers_nearly_as_fast_as_requests_are_due_keeps_up(asked: float, kept_up: bool) -> None:  # noqa: FBT001
    """And whoever is asked for no rate."""
    assert kept_up is replace(measurement(100), asked=asked).kept_up


def test_percentiles_are_those_between_answers() -> None:
    """Of 1 to 101 ms, the median is 51."""
    speed = speed_of(answers(*((0, number) for number in range(1, 102))), Dose(seconds=1.0))

    assert speed is not None
    assert (51, 100, 100.9) == pytest.approx((speed.p50, speed.p99, speed.p999))


def test_where_each_answer_took_longer_than_was_measured_all_count() -> None:
    """Whoever is that slow is not left out: two answers within 4 seconds."""
    speed = speed_of(answers((0, 3000), (0, 4000)), Dose(seconds=1.0, warm_up=0.5))

    assert speed is not None
    assert (0.5, 3500) == (speed.rate, speed.p50)


def test_of_too_few_answers_nothing_is_said() -> None:
    """There is no percentile of one."""
    assert speed_of([], Dose(seconds=1.0)) is None
    assert speed_of(answers((0, 1)), Dose(seconds=1.0)) is None


def test_answers_are_counted_by_status() -> None:
    """As JSON has it, whose names are strings."""
    assert {"200": 2, "409": 1} == statuses_of([*answers((0, 1), (1, 1)), *answers((2, 1), status=409)])


def test_a_measurement_knows_its_errors_its_batches_and_its_costs() -> None:
    """Costs are those of a request."""
    made = measurement()

    assert made.errors == 2
    assert made.batch == 2.0
    assert made.milliseconds_of("gunicorn", "store") == pytest.approx(3.0)


def test_a_spread_has_the_median_of_all_repetitions() -> None:
    """Whatever their order."""
    results = Results([measurement(5), measurement(1), measurement(3)], ["occ"])

    assert results.spread("occ", CELL, lambda each: each.speed.rate) == Spread(1, 3, 5)


def test_what_was_not_measured_has_no_spread() -> None:
    """Neither another target nor another cell."""
    results = Results([measurement()], ["occ"])

    assert results.spread("naive", CELL, lambda each: each.speed.rate) is None


def test_results_are_read_as_they_were_saved(tmp_path: Path) -> None:
    """With all that is known about the run."""
    file = tmp_path / "build" / "bench.json"
    results = Results([measurement(5), measurement(1, repeat=2)], ["occ"], {"cores": 2})

    results.save(file)
    loaded = Results.load(file)

    assert results.measurements == loaded.measurements
    assert (["occ"], {"cores": 2}) == (loaded.targets, loaded.about)


@pytest.mark.parametrize("content", ["", "{}", '{"measurements": [{}], "targets": [], "about": {}}'])
def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path, content: str) -> None:
    """As one of another version is."""
    file = tmp_path / "bench.json"
    file.write_text(content)

    with pytest.raises(BenchmarkError, match=r"bench\.json does not hold"):
        Results.load(file)

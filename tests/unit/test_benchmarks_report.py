"""What a run puts into the documentation, and what it is refused for."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pages, report, targets
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement, Results
from benchmarks.running import Plan, closed_loops, constant_rates
from tests import measurements

ALL = [*targets.of_the_service(), *targets.peers()]
ABOUT: dict[str, Any] = {
    **measurements.ABOUT,
    "command": "make bench-peers",
    "commit": "abc1234",
    "keyed": {"log_size": 1000, "bytes": {"batched, keyed": 61000}},
}

LOOK: dict[str, Any] = {
    "minutes": 10.2,
    "workers": [1, 2],
    "resident": [60 * 10**6, 61 * 10**6],
    "rate": 2000.0,
}
SOAKED: dict[str, Any] = {
    "target": "batched",
    "cell": {"workers": 2, "connections": 64, "counters": 1, "share": 0.0},
    "looks": [LOOK],
    **dict.fromkeys(("errors", "lost", "doubled"), 0),
    "requests": 1000,
    "growth": 1.0,
    "holds": True,
    "about": {**measurements.ABOUT, "commit": "abc1234"},
}

Save = Callable[..., None]


def measurement(target: str, cell: Cell, repeat: int) -> Measurement:
    """Return a measurement: the n-th target comes to n thousand increments a second."""
    rate = 1000.0 * (1 + [each.name for each in ALL].index(target))
    cpu_seconds = {"gunicorn": 0.5, "store": 0.25, "load": 0.1}
    return measurements.measured(target, cell, rate=rate, repeat=repeat, cpu=cpu_seconds)


@pytest.fixture
def save() -> Save:
    """Save the results of a run, all of them but those in cells that are to be left out."""

    def save(
        *,
        without: Callable[[Cell], bool] = lambda _: False,
        rounds: Sequence[int] = (1, 2, 3),
        **about: Any,
    ) -> None:
        plan = Plan(repeats=1)
        steps = [*closed_loops(ALL, plan), *constant_rates(ALL, plan)]
        measured = [measurement(step.target.name, step.cell, number) for number in rounds for step in steps]
        kept = [each for each in measured if not without(each.cell)]
        Results(kept, [target.name for target in ALL], {**ABOUT, **about}).save(report.RUN)

    return save


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose pages have places for figures, and nothing in them."""
    docs = tmp_path / "docs"
    docs.mkdir()
    monkeypatch.setattr(pages, "DOCS", docs)
    for name in ("RUN", "SOAK", "PAGE", "README", "STRATEGIES", "OPERATIONS"):
        of_the_project: Path = getattr(report, name)
        file = (
            tmp_path / of_the_project.name if of_the_project.suffix == ".json" else docs / of_the_project.name
        )
        monkeypatch.setattr(report, name, file)
    places = {
        report.PAGE: [
            report.BEGIN.format("bench-peers"),
            report.EXTRACT.format("what processors do for a rate"),
            report.BEGIN.format("soak"),
        ],
        report.README: [report.BEGIN.format("bench-peers")],
        report.STRATEGIES: [report.EXTRACT.format(f"the ways of /{name}") for name in ("occ", "batched")],
        report.OPERATIONS: [report.EXTRACT.format("sizing")],
    }
    for page, begins in places.items():
        page.write_text("".join(f"{begin}\nold\n{pages.END}" for begin in begins))
    return docs


@contextmanager
def refused(folder: Path, why: str) -> Iterator[None]:
    """Expect a refusal that leaves every file as it was."""
    before = {file: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(BenchmarkError, match=why):
        yield
    assert before == {file: file.read_bytes() for file in folder.iterdir()}


def test_a_whole_run_is_put_where_it_is_shown(folder: Path, save: Save) -> None:
    """On the page, in the extracts of others, as plots, and as the file that all of it is made from."""
    save()

    assert [report.RUN] == report.into_documentation()
    rate = f"{measurement('batched', Cell(workers=1, connections=1, counters=1), 1).speed.rate:,.0f}"
    page = report.PAGE.read_text()
    assert "**2 workers, 64 connections, 1,000 counters**\n\n| target | increments/s |" in page
    assert "by `make bench-peers`" in page
    assert "| 9.00 | yes | 500 ÷ 500 = 1.00 | " in page
    for extract in (report.README, report.STRATEGIES, report.OPERATIONS):
        text = extract.read_text()
        assert f"| {rate} |" in text
        assert "old" not in text
    readme = report.README.read_text()
    assert "| increments/s, batched ÷ | bare | postgres | redis-always | scripted |\n" in readme
    assert "| 1 worker, 32 connections, one counter | 9.00 (≥ 0.90: yes) |" in readme
    assert {"bench.json", "bench-rates.svg", "bench-tails.svg", "bench-at-rates.svg"} <= {
        file.name for file in folder.iterdir()
    }


@pytest.mark.parametrize(
    "without",
    [
        lambda cell: cell.workers == 2,
        lambda cell: cell.connections == 32,
        lambda cell: cell.counters > 1,
        lambda cell: cell.share == 0.7,
    ],
)
def test_a_part_of_a_run_is_refused(without: Callable[[Cell], bool], folder: Path, save: Save) -> None:
    """Tables of it would have holes; the page keeps what it has."""
    save(without=without)

    with refused(folder, "lacks what the documentation shows"):
        report.into_documentation()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"seconds": 1.4}, "--seconds 1.4: the documentation needs at least 1.5 s"),
        ({"rate_seconds": 1.4}, "--rate-seconds 1.4: the documentation needs at least 1.5 s"),
        ({"warm_up": 1.5}, "--seconds 2: the documentation needs at least 2.5 s"),
        ({"warm_up": 0.4}, "--warm-up 0.4: the documentation needs at least 0.5 s"),
        ({"prepare": 60.0}, "--prepare 60: the documentation needs at least 600 s"),
    ],
)
def test_measurements_too_short_are_refused(
    changes: dict[str, float], why: str, folder: Path, save: Save
) -> None:
    """Nothing can be told from them, or from a JVM that has not compiled what is used much."""
    save(plan={**ABOUT["plan"], **changes})

    with refused(folder, why):
        report.into_documentation()


@pytest.mark.parametrize(("warm_up", "seconds"), [(0.64, 1.64), (0.9, 1.9)])
def test_measurements_just_long_enough_are_taken(warm_up: float, seconds: float, save: Save) -> None:
    """Though to a computer 0.64 and 1 are a little more than 1.64, and 1.9 less 0.9 is a little less than 1."""
    save(plan={**ABOUT["plan"], "warm_up": warm_up, "seconds": seconds})

    assert [report.RUN] == report.into_documentation()


@pytest.mark.parametrize(("rounds", "number"), [((1, 2), 2), ((1, 1, 1), 1)])
def test_too_few_rounds_are_refused(rounds: Sequence[int], number: int, folder: Path, save: Save) -> None:
    """Their medians are not to be believed; nor are those of one round that is there several times."""
    save(rounds=rounds)

    with refused(folder, f"at least 3 rounds: it has {number} of"):
        report.into_documentation()


@pytest.mark.parametrize("missing", ["warm_up", "threads"])
def test_a_run_that_does_not_say_what_it_went_through_is_refused(
    missing: str, folder: Path, save: Save
) -> None:
    """It is named, and what is missing."""
    plan = {name: value for name, value in ABOUT["plan"].items() if name != missing}
    save(plan=plan)

    with refused(folder, f"does not hold the figures of a run: KeyError.*{missing}"):
        report.into_documentation()


@pytest.mark.parametrize(
    "changes",
    [
        {"target": "occ"},
        {"cell": {**SOAKED["cell"], "connections": 1}},
        {"looks": [{**LOOK, "minutes": 9.9}]},
        {"holds": False},
    ],
)
def test_a_soak_that_shows_something_else_is_refused(changes: dict[str, Any], folder: Path) -> None:
    """The page says of ten minutes of /batched that they hold."""
    report.SOAK.write_text(json.dumps({**SOAKED, **changes}))

    with refused(folder, "is not of 10 minutes"):
        report.into_documentation()


def test_a_soak_is_put_beside_the_memory() -> None:
    """In words and as a table."""
    report.SOAK.write_text(json.dumps(SOAKED))

    assert [report.SOAK] == report.into_documentation()
    page = report.PAGE.read_text()
    assert "`/batched` for 10.2 minutes with 2 workers, 64 connections, one counter: 1,000 requests" in page
    assert "| 10.2 | 60.0 | 61.0 | 2,000 |" in page


@pytest.mark.parametrize("commit", ["abc1234-dirty", None])
def test_what_nobody_can_measure_again_is_refused(commit: str | None, folder: Path, save: Save) -> None:
    """A checkout that was changed, or is none, has no name that finds it."""
    save(commit=commit)

    with refused(folder, "commit first"):
        report.into_documentation()


@pytest.mark.parametrize(
    ("soak", "why"),
    [
        (json.dumps({**SOAKED, "about": {**SOAKED["about"], "commit": "abc1234-dirty"}}), "commit first"),
        ("{}", "KeyError"),
        ("{", "JSONDecodeError"),
    ],
)
def test_nothing_is_written_if_another_run_is_refused(soak: str, why: str, folder: Path, save: Save) -> None:
    """Or the documentation would be of two runs."""
    save()
    report.SOAK.write_text(soak)

    with refused(folder, why):
        report.into_documentation()


def test_nothing_is_written_if_a_place_is_missing(folder: Path, save: Save) -> None:
    """Though all others are there."""
    save()
    report.OPERATIONS.write_text("old, and without a place")

    with refused(folder, "has no place"):
        report.into_documentation()


def test_without_any_run_there_is_nothing_to_show() -> None:
    """It says how to get one."""
    with pytest.raises(BenchmarkError, match="make bench-peers"):
        report.into_documentation()

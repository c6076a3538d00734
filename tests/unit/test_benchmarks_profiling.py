"""What a profile samples, how often and under which load, and its table."""

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import load, pages, profiling, sampling, slowest, watching
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement, Results
from benchmarks.load import MICROSECONDS, Answer, Dose, Load, Outcome
from benchmarks.profiling import (
    BATCHED,
    CROWDS,
    MEASURING,
    PREPARE,
    SCRIPTED,
    SUBJECTS,
    TURNS,
    WARM_UP,
    Profile,
    Sampled,
    profiles_of,
    rate_until,
    rows,
)
from benchmarks.ratios import ratios_of, where
from benchmarks.sampling import PARTS, REST, SECONDS, STARTING, Samples
from benchmarks.stand import SECONDS_IN_TURN, Stand
from benchmarks.targets import AS_TASKS, BARE, Target
from tests.measurements import ABOUT, measured

CELL = Cell(workers=2, connections=32, counters=1)
NOW = 1000.0
"""Seconds on the monotonic clock when a worker has been sampled."""


def a_profile(*held: Counter[str]) -> Profile:
    """Return what a gunicorn's two workers did, of each of which 200 samples were taken, twice, and found the same.

    They did 1,000 increments a second meanwhile on average, and otherwise 2,000, but for a turn that stands out.
    """
    cpu = {"gunicorn": 0.5, "store": 0.1, "load": 0.2}
    return Profile(
        target=BARE,
        cell=CELL,
        measured=[measured("bare", CELL, rate=rate, cpu=cpu) for rate in (9000, 2000, 1500)],
        sampled=[Sampled([Samples(each, 200, NOW) for each in held], rate) for rate in (600, 1400)],
    )


def test_samples_tell_for_how_long_an_increment_holds_the_lock() -> None:
    """By parts, of all workers; at which rate that was stands beside what was measured unseen."""
    head, row = rows([a_profile(Counter({"metrics": 50, REST: 200}), Counter({REST: 100}))])

    assert ("", *PARTS, REST) == head[: len(PARTS) + 2]
    assert ("250", "1,500") == (row[head.index("metrics")], row[head.index(REST)])
    assert {"0"} == {row[head.index(part)] for part in PARTS if part != "metrics"}
    assert [
        ("the lock in all", "1,750"),
        ("found held", "700 of 800 samples"),
        ("increments/s meanwhile", "1,000"),
        ("increments/s unseen", "2,000 (1,500 to 9,000)"),
        ("CPU µs unseen: gunicorn", "500"),
        ("store", "100"),
        ("load", "200"),
    ] == [*zip(head, row, strict=True)][len(PARTS) + 2 :]


def test_a_sample_that_failed_counts_for_its_worker_alone() -> None:
    """For what part of the time the others hold their locks is known all the same."""
    half = Sampled([Samples(Counter({REST: 100}), 200, NOW), Samples(Counter({REST: 1}), 2, NOW)], 1000)

    assert 1000 == Profile(BARE, CELL, sampled=[half]).lock_microseconds(REST)


def test_workers_that_were_never_found_at_work_held_no_lock() -> None:
    """As those that sleep."""
    head, row = rows([a_profile(Counter(), Counter())])

    assert ("0", "0 of 800 samples") == (row[head.index("the lock in all")], row[head.index("found held")])


def an_answer(ended: float, outcome: Outcome = Outcome.ACKNOWLEDGED) -> Answer:
    """Return an answer that came so many seconds after a worker had been sampled."""
    moment = round((NOW + ended) * MICROSECONDS)
    return Answer(moment, moment, moment, 200, outcome)


def test_the_rate_is_of_the_seconds_in_which_workers_are_sampled() -> None:
    """What was answered before or after, or refused, is not of them."""
    answers = [an_answer(ended) for ended in (-SECONDS - 0.001, -SECONDS, -1, -0.001, 0)]

    assert 3 / SECONDS == rate_until(NOW, [*answers, an_answer(-1, Outcome.REFUSED)])


class Ready:
    """A test stand that keeps what is done to its targets, samples included; each has one worker, or two."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, workers: Sequence[int] = (1,)) -> None:
        self.done: list[str] = []
        self.prepared: list[str] = []
        self.sampled: list[str] = []
        self.doses: list[Dose] = []
        self.answers = [an_answer(-1)]
        self.stores = {"elasticsearch": SimpleNamespace(version="Elasticsearch 9.4.3")}
        monkeypatch.setattr(profiling, "time", SimpleNamespace(sleep=self.done.append))
        self.numbers = workers
        monkeypatch.setattr(sampling, "sample", self.sample)

    def workers(self, target: Target, _cell: Cell) -> list[str]:
        """Return the workers of a target, by its name and their number."""
        return [f"{target.app.name}-{number}" for number in self.numbers]

    def sample(self, worker: str) -> Samples:
        """Sample a worker, which holds its lock each second time; the second worker takes longer."""
        self.sampled.append(worker)
        return Samples(Counter({REST: 1}), 2, NOW + (worker.endswith("2") and SECONDS))

    def measure(self, target: Target, cell: Cell, dose: Dose, *, repeat: int) -> Measurement:
        """Measure: in the n-th turn n hundred increments a second."""
        self.done.append(target.name)
        self.doses.append(dose)
        return measured(target.name, cell, rate=100.0 * repeat)

    def put_load_on(self, target: Target, cell: Cell, dose: Dose) -> Load:
        """Put load on a target."""
        if dose.seconds == SECONDS_IN_TURN:
            self.prepared.append(f"{target.name}: {where(cell)}")
        else:
            self.doses.append(dose)
        return Load(self.answers, 0.0)


def test_targets_are_measured_and_sampled_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second time backwards, so that what disturbs the machine for a while disturbs all of them."""
    ready = Ready(monkeypatch, workers=(1, 2))

    found = profiles_of(cast(Stand, ready), CELL, [BARE, AS_TASKS])

    bare, tasks = (["bare", WARM_UP], ["bare, as tasks", WARM_UP])
    assert [*bare, *tasks, *tasks, *bare] * (TURNS // 2) == ready.done
    assert ["bare-1", "bare-2", "bare-as-tasks-1", "bare-as-tasks-2"] == sorted({*ready.sampled})
    assert 2 * 2 * TURNS == len(ready.sampled)
    assert {1 / SECONDS} == {
        each.rate for profile in found for each in profile.sampled
    }  # until the first was done
    assert [("bare", [100, 200, 300, 400]), ("bare, as tasks", [100, 200, 300, 400])] == [
        (each.target.name, [of.speed.rate for of in each.measured]) for each in found
    ]
    assert [2 * TURNS, 2 * TURNS] == [len(each.samples) for each in found]
    assert 0 == TURNS % 2


def test_workers_are_sampled_under_the_load_that_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a closed loop, for as long as that may take."""
    ready = Ready(monkeypatch)

    profiles_of(cast(Stand, ready), CELL, [BARE])

    measuring = Dose(seconds=WARM_UP + MEASURING, warm_up=WARM_UP)
    sampled = Dose(seconds=WARM_UP + STARTING + SECONDS)
    assert [measuring, sampled] * TURNS == ready.doses


def test_a_target_that_answers_nothing_has_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds the lock for is for no increment."""
    ready = Ready(monkeypatch)
    ready.answers = []

    with pytest.raises(BenchmarkError, match="bare answered nothing while its workers were sampled"):
        profiles_of(cast(Stand, ready), CELL, [BARE])


def open_goals() -> set[tuple[str, str]]:
    """Return both sides of each goal that is not reached for certain, by the figures that the documentation shows.

    But for rates that one side did not keep up with.
    """
    results = Results.load(pages.DOCS / "bench.json")
    goals = [each for each in ratios_of(results) if not each.is_met and each.kept_up]
    return {(side, each.where) for each in goals for side in (each.target, each.other)}


def test_each_goal_that_is_not_reached_for_certain_is_profiled() -> None:
    """Both its sides, sampled or watched."""
    profiled = {(target.name, where(cell)) for cell, chosen in SUBJECTS.items() for target in chosen}
    profiled |= {(target.name, where(cell)) for cell, chosen in watching.WATCHED.items() for target in chosen}

    assert set() == open_goals() - profiled


def published_at(place: str) -> str:
    """Return what the documentation has there."""
    return profiling.PAGE.read_text().partition(place)[2].partition(pages.END)[0]


def test_the_documentation_has_the_profile_of_each_such_goal() -> None:
    """Under the names of the figures."""
    published = published_at(profiling.PLACE) + published_at(watching.PLACE)

    assert [] == [
        side
        for side in open_goals()
        if not re.search(
            rf"^\| {re.escape(': '.join(side))}(: {slowest.THE_SLOWEST})? \|", published, re.MULTILINE
        )
    ]


def test_the_documentation_has_what_the_bare_route_and_batched_were_watched_at() -> None:
    """In closed loops, too, which show for how long a worker has nothing to do."""
    published = published_at(watching.PLACE)

    assert {*CROWDS} < watching.WATCHED.keys()
    assert [] == [
        row
        for cell, chosen in watching.WATCHED.items()
        for row in (f"| {target.name}: {where(cell)}: all |" for target in chosen)
        if row not in published
    ]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a page with a place for it, in place of the documentation's."""
    page = tmp_path / "page.md"
    page.write_text(f"{profiling.PLACE}\n{pages.END}")
    monkeypatch.setattr(profiling, "PAGE", page)
    return page


def set_up(monkeypatch: pytest.MonkeyPatch, *, commit: str = "abc") -> Ready:
    """Return a stand that a whole profile of a cell finds, on such a commit."""
    ready = Ready(monkeypatch)
    cell = Cell(workers=1, connections=64, counters=1)
    monkeypatch.setattr(profiling, "SUBJECTS", {cell: (BARE, SCRIPTED, BATCHED)})
    known = {**ABOUT, "commit": commit, "versions": ["Python 3.11.2"]}

    @contextmanager
    def stand(chosen: Sequence[Target], **_: Any) -> Any:
        assert [BARE, SCRIPTED, BATCHED] == chosen
        yield ready

    monkeypatch.setattr(profiling, "facts", lambda programs: {**known, "versions": [*programs]})
    monkeypatch.setattr(load, "version", lambda: "wrk 4.1.0")
    monkeypatch.setattr(profiling, "stand", stand)
    return ready


def test_a_profile_is_put_into_the_documentation(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elasticsearch is prepared for each cell, in turn."""
    ready = set_up(monkeypatch)

    profiling.main()

    cell = "1 worker, 64 connections, one counter"
    assert [f"scripted: {cell}", f"batched: {cell}"] * (
        round(PREPARE / SECONDS_IN_TURN) // 2
    ) == ready.prepared
    assert {"bare", "scripted", "batched"} <= {*ready.done}
    written = page.read_text()
    assert f"| batched: {cell} |" in written
    assert (
        "at commit abc on 2 cores and 24 GiB (Linux x86_64, data on ext4) with wrk 4.1.0, py-spy" in written
    )
    assert f"| batched: {cell} |" in capsys.readouterr().out


def test_what_no_commit_is_is_not_measured(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said before it has taken half an hour."""
    ready = set_up(monkeypatch, commit="abc-dirty")

    with pytest.raises(BenchmarkError, match="Figures of abc-dirty are not for the documentation"):
        profiling.main()
    assert [] == ready.done
    assert "abc" not in page.read_text()


def test_without_a_place_nothing_is_measured(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is said at once, too."""
    ready = set_up(monkeypatch)
    page.write_text("Nothing.\n")

    with pytest.raises(BenchmarkError, match="has no place that begins with"):
        profiling.main()
    assert [] == ready.done

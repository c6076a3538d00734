"""Which requests are watched, how often and under which load, and what of it goes into the documentation."""

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks import load, pages, profiling, slowest, watching
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell, Measurement
from benchmarks.load import Dose, Load
from benchmarks.processors import ALL, Time
from benchmarks.profiling import PREPARE, SCRIPTED
from benchmarks.slowest import GROUPS, TIMED, Pace, Wait
from benchmarks.stand import SECONDS_IN_TURN, Stand
from benchmarks.targets import BARE, Target
from benchmarks.watching import MAXIMUM, TURNS, in_the_middle, maxima
from tests.measurements import ABOUT, measured

CLOSED = Cell(workers=1, connections=64, counters=1)
HALF = replace(CLOSED, share=0.5)


class Ready:
    """A test stand that keeps what is done to its targets: the n-th time that one is watched, its slowest took longer.

    But for the last, when they took shortest. The maximum is 200 requests a second, and 100 more each time.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.doses: list[Dose] = []
        self.prepared: list[str] = []
        self.stores = {"elasticsearch": type("Store", (), {"version": "Elasticsearch 9.4.3"})}
        self.maximum = 100.0
        self.shares: list[float] = []
        monkeypatch.setattr(slowest, "waits", self.waits)

    def measure(self, target: Target, cell: Cell, dose: Dose, *, repeat: int) -> Measurement:
        """Measure a maximum."""
        self.doses.append(dose)
        self.shares.append(cell.share)
        self.maximum += 100
        return measured(target.name, cell, rate=self.maximum, repeat=repeat)

    def put_load_on(self, target: Target, cell: Cell, dose: Dose) -> Load:
        """Put load on a target."""
        assert SECONDS_IN_TURN == dose.seconds
        self.prepared.append(f"{target.app.name}: {cell.connections}, {cell.share}")
        return Load([], 0.0)

    def waits(self, _ready: Stand, target: Target, cell: Cell, rate: float) -> list[Wait]:
        """Watch a target."""
        self.done.append(f"{target.name} at {rate:g}/s: {cell.share:.0%}")
        number = sum(each.startswith(target.name) for each in self.done)
        took = {"all": 20.0 - number, "the slowest": 7.0 + (0 if number == TURNS else number)}
        had = {**dict.fromkeys(GROUPS, Time(0.25, 0.75)), ALL: Time(1.5, 0.5)}
        return [
            Wait(f"{target.name}: {whose}", number, Pace(rate, 1.0), ms, None, None, None, None, None, 3, had)
            for whose, ms in took.items()
        ]


def test_targets_are_watched_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second time backwards, and always at the same rate."""
    ready = Ready(monkeypatch)

    in_the_middle(cast(Stand, ready), HALF, {BARE: 250, TIMED: 200})

    bare, batched = "bare at 250/s: 50%", "batched at 200/s: 50%"
    assert [bare, batched, batched, bare, bare, batched, batched, bare, bare, batched] == ready.done


def test_what_is_told_is_of_when_the_slowest_took_the_median_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all requests and of the slowest, of each target."""
    ready = Ready(monkeypatch)

    found = in_the_middle(cast(Stand, ready), HALF, {BARE: 250, TIMED: 200})

    # Of 7, 8, 9, 10 and 11 ms, the second time.
    told = [
        (whose, 2, ms)
        for target in ("bare", "batched")
        for whose, ms in ((f"{target}: all", 18.0), (f"{target}: the slowest", 9.0))
    ]
    assert told == [(each.whose, each.number, each.total) for each in found]


def test_a_maximum_is_the_median_of_turns_in_a_closed_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured once for all parts of it."""
    ready = Ready(monkeypatch)
    subjects = {
        replace(CLOSED, connections=1): [SCRIPTED],
        HALF: [BARE, TIMED],
        replace(HALF, share=0.7): [BARE, TIMED],
    }
    monkeypatch.setattr(watching, "WATCHED", subjects)

    found = maxima(cast(Stand, ready))

    # Of 200, 500, 600, 900 and 1,000; of 300, 400, 700, 800 and 1,100.
    assert {(BARE, CLOSED): 600, (TIMED, CLOSED): 700} == found
    assert ([MAXIMUM] * 10, [0.0] * 10) == (ready.doses, ready.shares)
    assert 5 == TURNS


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a page with a place for it, in place of the documentation's."""
    page = tmp_path / "page.md"
    page.write_text(f"{watching.PLACE}\n{pages.END}")
    monkeypatch.setattr(profiling, "PAGE", page)
    return page


def set_up(monkeypatch: pytest.MonkeyPatch, *, commit: str = "abc") -> Ready:
    """Return a stand on which two cells are watched, on such a commit."""
    ready = Ready(monkeypatch)
    lone = replace(CLOSED, connections=1)
    monkeypatch.setattr(watching, "WATCHED", {lone: (SCRIPTED, TIMED), HALF: (BARE, TIMED)})

    @contextmanager
    def stand(chosen: Sequence[Target], **_: Any) -> Any:
        assert [SCRIPTED, TIMED, BARE] == chosen
        yield ready

    known = {**ABOUT, "commit": commit}
    monkeypatch.setattr(profiling, "facts", lambda programs: {**known, "versions": [*programs]})
    monkeypatch.setattr(load, "version", lambda: "wrk 4.1.0")
    monkeypatch.setattr(profiling, "stand", stand)
    return ready


def test_what_was_watched_is_put_into_the_documentation(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Elasticsearch is prepared in closed loops, in turn; nothing is due there, else half of a maximum."""
    ready = set_up(monkeypatch)

    watching.main()

    subjects = ["service: 1, 0.0", "batched-timed: 1, 0.0", "batched-timed: 64, 0.0"]
    assert subjects * (round(PREPARE / SECONDS_IN_TURN) // 3) == ready.prepared
    assert ["scripted at 0/s: 0%", "batched at 0/s: 0%", "bare at 300/s: 50%", "batched at 350/s: 50%"] == [
        *dict.fromkeys(ready.done)
    ]
    written = page.read_text()
    had = "1.50 | 0.25 | 0.25 | 0.25 | 0.25 | 0.25 | 0.25"
    assert (
        f"| bare: the slowest | 2 | 3 | 300 | 1.00 | 9.0 | - | - | - | - | - | {had} | 0.75 | 0.75 | 0.50 |"
        in written
    )
    assert (
        "at commit abc on 2 cores and 24 GiB (Linux x86_64, data on ext4) with wrk 4.1.0, Elasticsearch"
        in written
    )
    assert "| bare: the slowest |" in capsys.readouterr().out


def test_what_no_commit_is_is_not_watched(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said before it has taken 20 minutes."""
    ready = set_up(monkeypatch, commit="abc-dirty")

    with pytest.raises(BenchmarkError, match="Figures of abc-dirty are not for the documentation"):
        watching.main()
    assert [] == ready.done
    assert "abc" not in page.read_text()


def test_without_a_place_nothing_is_watched(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is said at once, too."""
    ready = set_up(monkeypatch)
    page.write_text("Nothing.\n")

    with pytest.raises(BenchmarkError, match="has no place that begins with"):
        watching.main()
    assert [] == ready.done

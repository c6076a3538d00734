"""A run's counters: set before, read after, deleted in the end, and never taken for granted."""

from collections.abc import Iterator

import pytest

from loadtests.counters import Counters, CounterUnavailableError
from loadtests.outcomes import Answer, Outcome
from loadtests.plan import Plan
from loadtests.run import Run
from loadtests.tally import Ledger
from tests.integration.loadtests.lying_service import Lie, LyingService, serving


@pytest.fixture
def service() -> Iterator[LyingService]:
    """An honest service, until a test says otherwise."""
    with serving() as service:
        yield service


def run_against(host: str, ledger: Ledger | None = None) -> Run:
    """A run of one user and one increment of each of two strategies."""
    plan = Plan(host=host, strategies=("naive", "occ"), users=1, increments=1)
    return Run(plan, ledger=ledger or Ledger(), percentile=lambda _strategy, _fraction: None)


def test_a_run_resets_reads_and_deletes(service: LyingService) -> None:
    """Counters are 0 in the beginning, read in the end, and gone afterwards."""
    run = run_against(service.url)
    run.begin()
    names = [run.plan.counter(strategy) for strategy in run.plan.strategies]
    before = dict(service.counters)
    service.counters[names[1]] = 7
    report = run.finish()

    assert dict.fromkeys(names, 0) == before
    assert [0, 7] == [verdict.seen.stored for verdict in report.verdicts]
    assert names == service.deleted


def test_a_run_that_can_not_begin(nowhere: str) -> None:
    """Without a service nothing begins, and there is nothing to judge."""
    run = run_against(nowhere)

    with pytest.raises(CounterUnavailableError, match="Connection refused"):
        run.begin()
    report = run.finish("no service")

    assert ((), (), False) == (run.observe(), report.verdicts, report.holds)


def test_records_that_got_lost(service: LyingService) -> None:
    """Where totals arrived but not what was recorded with them, nothing is said to be linearizable."""
    ledger = Ledger()
    run = run_against(service.url, ledger)
    run.begin()
    answer = Answer(outcome=Outcome.ACKNOWLEDGED, value=1)
    for strategy in run.plan.strategies:
        service.counters[run.plan.counter(strategy)] = 1
        ledger.own(strategy).record(answer, by=1, sent=0.0, ended=1.0)
    ledger.recording("naive").record(answer, start=0, end=1)
    report = run.finish()

    naive, occ = report.verdicts
    assert ["linearizable", "undecided"] == [
        verdict.seen.order and verdict.seen.order.answer for verdict in report.verdicts
    ]
    assert (True, False) == (naive.holds, occ.holds)
    assert (
        "whether it is linearizable is undecided: 1 increments were made that are not in the history",
    ) == occ.reasons
    assert [0, 1] == [history.missing for history in report.histories.values()]


def test_a_counter_that_can_not_be_read(service: LyingService) -> None:
    """A failed reading isn't the end of the run, but part of its verdict."""
    run = run_against(service.url)
    run.begin()
    service.lie, service.increments = Lie.UNREADABLE, 1
    report = run.finish(keep_counters=True)

    for verdict in report.verdicts:
        assert verdict.seen.stored is None
        assert "500" in (verdict.seen.problem or "")
    assert [] == service.deleted


def test_a_reset_that_does_not_stick(service: LyingService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter that is said to be 0 and reads as something else is no counter to start from."""
    monkeypatch.setattr(service, "counters", Stubborn())

    with Counters(service.url) as counters, pytest.raises(CounterUnavailableError, match="but 5 is read"):
        counters.reset("c")


@pytest.mark.parametrize("value", ["5", 5.0, None, True])
def test_a_value_that_is_no_whole_number(service: LyingService, value: object) -> None:
    """What isn't a whole number isn't a counter's value."""
    service.counters["c"] = value  # type: ignore[assignment] # that's the point

    with Counters(service.url) as counters, pytest.raises(CounterUnavailableError, match="no whole number"):
        counters.read("c")


def test_a_counter_without_a_value(service: LyingService) -> None:
    """A 200 that tells no value isn't a reading of 0."""
    service.lie = Lie.WORDLESS

    with Counters(service.url) as counters, pytest.raises(CounterUnavailableError, match="holds no value"):
        counters.read("c")


def test_a_missing_counter(service: LyingService) -> None:
    """A counter that is gone can't be read, and needs no deleting."""
    with Counters(service.url) as counters:
        counters.delete("c")
        with pytest.raises(CounterUnavailableError, match="404"):
            counters.read("c")


class Stubborn(dict[str, int]):
    """Counters that are 5, whatever they are set to."""

    def __getitem__(self, key: str) -> int:
        return 5

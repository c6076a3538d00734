"""Tallies: each request once, whichever process counted it and however often it was reported."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.outcomes import Answer, Outcome
from loadtests.tally import Ledger, Tally

ACKNOWLEDGED = Answer(outcome=Outcome.ACKNOWLEDGED, conflicts=2)
FAILED = Answer(outcome=Outcome.FAILED, complaint="failed: status 409")
MALFORMED = Answer(outcome=Outcome.UNKNOWN, malformed=True, complaint="malformed: 200 without a value")
UNKNOWN = Answer(outcome=Outcome.UNKNOWN, complaint="unknown: status 503")


def test_recording() -> None:
    """Each outcome is counted in its place, with its amount, and time runs from first to last."""
    tally = Tally()

    for number, answer in enumerate((ACKNOWLEDGED, FAILED, MALFORMED, UNKNOWN)):
        tally.record(answer, by=10, sent=100.0 + number, ended=100.5 + number)

    assert (4, 1, 1, 2, 1) == (
        tally.requested, tally.acknowledged, tally.failed, tally.unknown, tally.malformed,
    )  # fmt: skip
    assert (10, 20, 2, 3.5) == (
        tally.acknowledged_amount, tally.unknown_amount, tally.conflicts, tally.seconds,
    )  # fmt: skip


def test_nothing_recorded_takes_no_time() -> None:
    """An empty tally has no first and no last request, also after adding another empty one."""
    tally = Tally()
    tally.add(Tally())

    assert (Tally(), 0.0) == (tally, tally.seconds)


answers = st.sampled_from((ACKNOWLEDGED, FAILED, MALFORMED, UNKNOWN))
requests = st.lists(st.tuples(answers, st.integers(0, 2), st.integers(1, 9), st.integers(0, 99)))


@given(requests)
def test_processes_add_up(requests: list[tuple[Answer, int, int, int]]) -> None:
    """However requests are spread over workers, and however often these report, the master's sum is the same."""
    workers = [Ledger() for _ in range(3)]
    master, alone = Ledger(), Tally()
    for ledger in (master, *workers):
        ledger.open("run")
    for answer, index, by, time in requests:
        workers[index].own("occ").record(answer, by=by, sent=time, ended=time + 0.5)
        alone.record(answer, by=by, sent=time, ended=time + 0.5)
        master.accept(str(index), workers[index].export())
    for index, worker in enumerate(workers):
        master.accept(str(index), worker.export())

    assert alone == master.total("occ")
    assert Tally() == master.total("naive")


def test_another_runs_report_is_ignored() -> None:
    """A worker that is late with the previous run's totals can't spoil this one's."""
    master, worker = Ledger(), Ledger()
    master.open("first")
    worker.open("first")
    worker.own("occ").record(ACKNOWLEDGED, by=1, sent=0.0, ended=1.0)
    late = worker.export()
    master.open("second")

    master.accept("worker", late)

    assert Tally() == master.total("occ")


def test_opening_the_same_run_again_changes_nothing() -> None:
    """Every user opens its run, and only the first one starts the tallies."""
    ledger = Ledger()
    ledger.open("run")
    ledger.own("occ").record(ACKNOWLEDGED, by=1, sent=0.0, ended=1.0)
    ledger.open("run")

    assert ledger.total("occ").requested == 1

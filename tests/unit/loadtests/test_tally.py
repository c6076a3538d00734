"""Tallies: each request once, whichever process counted it and however often it was reported."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from loadtests import clock
from loadtests.outcomes import Answer, Outcome
from loadtests.tally import Ledger, Tally

ACKNOWLEDGED = Answer(outcome=Outcome.ACKNOWLEDGED, value=5, conflicts=2)
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


def test_replays() -> None:
    """An increment that a replay settled is resolved; one that none did was replayed in vain."""
    tally = Tally()

    for answer in (ACKNOWLEDGED, replace(ACKNOWLEDGED, replays=2), replace(UNKNOWN, replays=5)):
        tally.record(answer, by=1, sent=0.0, ended=1.0)

    assert (3, 2, 1, 1, 7) == (
        tally.requested, tally.acknowledged, tally.unknown, tally.resolved, tally.replays,
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
    master, alone = Ledger(), Ledger()
    for ledger in (master, alone, *workers):
        ledger.open("run")
    for answer, index, by, time in requests:
        for ledger in (workers[index], alone):
            ledger.own("occ").record(answer, by=by, sent=time, ended=time + 0.5)
            ledger.recording("occ").record(answer, start=time, end=time + 1)
        master.accept(str(index), workers[index].export())
    for index, worker in enumerate(workers):
        master.accept(str(index), worker.export())

    assert alone.total("occ") == master.total("occ")
    assert (Tally(), []) == (master.total("naive"), master.operations("naive", by=1))
    assert sorted(map(repr, alone.operations("occ", by=1))) == sorted(
        map(repr, master.operations("occ", by=1))
    )


def test_what_is_recorded() -> None:
    """An increment is remembered with its outcome, its times, its clock and, if it was told, its value."""
    ledger = Ledger()
    ledger.recording("occ").record(ACKNOWLEDGED, start=1, end=2)
    ledger.recording("occ").record(UNKNOWN, start=3, end=2**63 - 1)

    first, second = ledger.operations("occ", by=7)

    assert (Outcome.ACKNOWLEDGED, 7, 1, 2, 5) == (
        first.outcome, first.by, first.start, first.end, first.value,
    )  # fmt: skip
    assert (Outcome.UNKNOWN, 3, 2**63 - 1) == (second.outcome, second.start, second.end)
    assert {clock.name()} == {first.clock, second.clock}


def test_each_workers_clock_is_told() -> None:
    """What workers on other machines recorded goes with the names of their clocks."""
    master, worker = Ledger(), Ledger()
    for ledger in (master, worker):
        ledger.open("run")
    worker.recording("occ").record(ACKNOWLEDGED, start=1, end=2)
    master.accept("worker", worker.export() | {"clock": "another"})

    assert ["another"] == [operation.clock for operation in master.operations("occ", by=1)]


def test_a_report_that_is_lost_or_repeated() -> None:
    """A lost report's increments are missing, and so are later ones; a repeated one's are there once."""
    master, worker = Ledger(), Ledger()
    for ledger in (master, worker):
        ledger.open("run")
    reports = []
    for start in range(4):
        worker.recording("occ").record(ACKNOWLEDGED, start=start, end=start)
        reports.append(worker.export())

    for report in (reports[0], reports[1], reports[1], reports[3]):
        master.accept("worker", report)

    assert [0, 1] == [operation.start for operation in master.operations("occ", by=1)]


def test_a_report_travels_in_32_bytes_an_increment() -> None:
    """What is sent of an increment is what the README says, and it is sent once."""
    worker = Ledger()
    for _ in range(1000):
        worker.recording("occ").record(ACKNOWLEDGED, start=1, end=2)
    first, second = worker.export(), worker.export()

    assert (0, 32_000) == (first["recordings"]["occ"][0], len(first["recordings"]["occ"][1]))
    assert (4000, b"") == second["recordings"]["occ"]
    assert 1000 == len(worker.operations("occ", by=1))


def test_another_runs_report_is_ignored() -> None:
    """A worker that is late with the previous run's totals can't spoil this one's."""
    master, worker = Ledger(), Ledger()
    master.open("first")
    worker.open("first")
    worker.own("occ").record(ACKNOWLEDGED, by=1, sent=0.0, ended=1.0)
    worker.recording("occ").record(ACKNOWLEDGED, start=0, end=1)
    late = worker.export()
    master.open("second")

    master.accept("worker", late)

    assert (Tally(), []) == (master.total("occ"), master.operations("occ", by=1))


def test_opening_the_same_run_again_changes_nothing() -> None:
    """Every user opens its run, and only the first one starts the tallies."""
    ledger = Ledger()
    ledger.open("run")
    ledger.own("occ").record(ACKNOWLEDGED, by=1, sent=0.0, ended=1.0)
    ledger.open("run")

    assert ledger.total("occ").requested == 1

"""The load test end to end against a service that is honest, or lies: its exit code has to tell which."""

from pathlib import Path

import pytest

from loadtests.verdict import STRATEGIES
from tests.integration.loadtests.lying_service import Lie, serving
from tests.integration.loadtests.running import Load, recheck, run

USERS, INCREMENTS = 5, 12
REQUESTED = USERS * INCREMENTS
LIED_TO = REQUESTED // 3
SIZE = ("--users", str(USERS), "--increments", str(INCREMENTS))


def test_an_honest_service_passes(tmp_path: Path) -> None:
    """Every strategy is driven, counted exactly, judged and cleaned up after, and the exit code is 0."""
    with serving() as service:
        finished = run("--host", f"{service.url}/", *SIZE, output=tmp_path)

    assert (0, True) == (finished.exit_code, finished.document["holds"])
    assert list(STRATEGIES) == list(finished.strategies)
    for entry in finished.strategies.values():
        assert (REQUESTED, REQUESTED, 0, 0) == tuple(
            entry[key] for key in ("requested", "acknowledged", "failed", "unknown")
        )
        assert (REQUESTED, 0, 0) == (entry["stored"], entry["lost"], entry["doubled"])
        assert "linearizable" == entry["linearizability"]["answer"]
        assert entry["counter"] in service.deleted
    assert service.increments == len(STRATEGIES) * REQUESTED
    assert "Verdict: holds." in finished.stdout.splitlines()[-3]
    assert {"history.jsonl", "index.html", "locust.html", "verdict.json"} == {
        file.name for file in tmp_path.iterdir()
    }
    assert (False, False) == ("/INFO/" in finished.stderr, "Aggregated" in finished.stderr)


def test_locusts_own_output_on_request(tmp_path: Path) -> None:
    """Locust's log and tables are there for whoever wants them, apart from the verdict."""
    with serving() as service:
        finished = run(
            "--host", service.url, "--strategy", "occ", "--loglevel", "INFO", *SIZE, output=tmp_path
        )  # fmt: skip

    assert (True, True) == ("/INFO/" in finished.stderr, "Aggregated" in finished.stderr)
    assert finished.stdout.lstrip().startswith("strategy")


@pytest.mark.parametrize(
    ("lie", "tally"),
    [
        (Lie.NOT_APPLIED, {"failed": LIED_TO, "unknown": 0}),
        (Lie.CONFLICT, {"failed": LIED_TO, "unknown": 0}),
        (Lie.UNKNOWN_APPLIED, {"failed": 0, "unknown": LIED_TO}),
        (Lie.UNKNOWN_NOT_APPLIED, {"failed": 0, "unknown": LIED_TO}),
        (Lie.BARE_503_APPLIED, {"failed": 0, "unknown": LIED_TO}),
        (Lie.CUTS_REPLY, {"failed": 0, "unknown": LIED_TO}),
        (Lie.RESETS, {"failed": 0, "unknown": LIED_TO}),
        (Lie.CUTS_BODY, {"failed": 0, "unknown": LIED_TO}),
        (Lie.PROXY_GIVES_UP, {"failed": 0, "unknown": LIED_TO}),
    ],
)
def test_trouble_that_is_admitted_passes(lie: Lie, tally: dict[str, int], tmp_path: Path) -> None:
    """Refused and unknown increments, and broken connections, are told apart, and no request is repeated."""
    with serving(lie) as service:
        finished = run("--host", service.url, "--strategy", "occ", *SIZE, output=tmp_path)
    entry = finished.strategies["occ"]
    outcome = "unknown" if tally["unknown"] else "failed"

    assert tally == {key: entry[key] for key in tally}
    assert (0, True, 0, 0) == (finished.exit_code, entry["holds"], entry["lost"], entry["doubled"])
    assert REQUESTED == service.increments
    assert f"\n{LIED_TO} x POST /occ/{{id}}: {outcome}: " in finished.stdout


def test_requests_without_an_answer_are_unknown(tmp_path: Path) -> None:
    """A request that isn't answered in time is given up, its outcome is unknown, and it isn't repeated."""
    with serving(Lie.HANGS) as service:
        finished = run(
            "--host", service.url, "--strategy", "occ", "--request-timeout", "2", "--users", "2",
            "--increments", "3", output=tmp_path,
        )  # fmt: skip

    entry = finished.strategies["occ"]
    assert (0, 4, 0, 2) == (finished.exit_code, entry["acknowledged"], entry["failed"], entry["unknown"])
    assert (6, 6) == (entry["stored"], service.increments)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (Lie.LOSES, "40 is stored, 20 less than the 60 acknowledged"),
        (Lie.DOUBLES, "80 is stored, 20 more than the 60 that can have been added"),
        (Lie.NOT_APPLIED_YET_APPLIED, "60 is stored, 20 more than the 40 that can have been added"),
        (Lie.MALFORMED, "20 answers said 200 with a body that the contract doesn't describe"),
        (Lie.WRONG_ID, "20 answers said 200 with a body that the contract doesn't describe"),
        (Lie.UNREADABLE, "the counter couldn't be read"),
    ],
)
def test_a_lie_turns_the_verdict_red(lie: Lie, reason: str, tmp_path: Path) -> None:
    """A service that loses, double counts or answers what nobody can rely on makes the load test fail."""
    with serving(lie) as service:
        finished = run("--host", service.url, "--strategy", "occ", *SIZE, output=tmp_path)

    assert (1, False) == (finished.exit_code, finished.document["holds"])
    assert reason in finished.strategies["occ"]["reasons"]
    assert "Verdict: does not hold (/occ)." in finished.stdout


# With one user, so that each increment has ended when the next one is sent; and an increment after the last pair.
IN_A_ROW = ("--users", "1", "--increments", "13")


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (Lie.STALE, "two increments were answered 2: one by 1 (from "),
        (Lie.EXCHANGED, "although before that was sent, another by 1 was answered 13 (from "),
    ],
)
def test_a_lie_about_the_order_alone(lie: Lie, words: str, tmp_path: Path) -> None:
    """Answers that no counter gives make the load test fail though every total is right."""
    with serving(lie) as service:
        finished = run("--host", service.url, "--strategy", "occ", *IN_A_ROW, output=tmp_path)

    entry = finished.strategies["occ"]
    assert (13, 13, 0, 0) == tuple(entry[key] for key in ("acknowledged", "stored", "lost", "doubled"))
    (reason,) = entry["reasons"]
    assert reason.startswith("it is not linearizable: ")
    assert words in reason
    assert (1, 2) == (finished.exit_code, len(entry["linearizability"]["witness"]))


def test_naive_may_answer_out_of_order(tmp_path: Path) -> None:
    """Of a strategy that promises no better it is told that its answers fit no order, and the test passes."""
    with serving(Lie.STALE) as service:
        finished = run("--host", service.url, "--strategy", "naive", *IN_A_ROW, output=tmp_path)

    assert (0, "not linearizable") == (
        finished.exit_code, finished.strategies["naive"]["linearizability"]["answer"],
    )  # fmt: skip
    assert "13 stored; not linearizable: two increments were answered 2" in finished.stdout


@pytest.mark.parametrize(("lie", "exit_code"), [(Lie.UNKNOWN_APPLIED, 0), (Lie.STALE, 1)])
def test_a_history_can_be_checked_again(lie: Lie, exit_code: int, tmp_path: Path) -> None:
    """What a run recorded is in a file, which alone leads to the same answer."""
    with serving(lie) as service:
        finished = run("--host", service.url, "--strategy", "occ", *SIZE, output=tmp_path)
    again = recheck(tmp_path / "history.jsonl")

    assert (exit_code, exit_code) == (finished.exit_code, again.returncode)
    counter = finished.strategies["occ"]["counter"]
    finding = finished.strategies["occ"]["linearizability"]
    reason = f": {finding['reason']}" if finding["reason"] else ""
    assert f"/occ, {REQUESTED} increments of {counter}: {finding['answer']}{reason}.\n" == again.stdout


@pytest.mark.parametrize(
    "lie",
    [
        Lie.UNKNOWN_APPLIED,
        Lie.UNKNOWN_NOT_APPLIED,
        Lie.BARE_503_APPLIED,
        Lie.CUTS_REPLY,
        Lie.RESETS,
        Lie.CUTS_BODY,
        Lie.PROXY_GIVES_UP,
    ],
)
def test_with_keys_no_outcome_stays_unknown(lie: Lie, tmp_path: Path) -> None:
    """With a key an increment is replayed until it is answered, and then the counter is exactly what was asked."""
    with serving(lie) as service:
        finished = run("--host", service.url, "--keys", "--strategy", "occ", *SIZE, output=tmp_path)

    entry = finished.strategies["occ"]
    assert (0, REQUESTED, 0, REQUESTED) == (
        finished.exit_code, entry["acknowledged"], entry["unknown"], entry["stored"],
    )  # fmt: skip
    assert REQUESTED + entry["replays"] == service.increments
    assert 0 < entry["resolved"] <= entry["replays"]
    assert (
        f"60 acknowledged ({entry['resolved']} of 60 resolved by replay), 60 stored, linear"
        in finished.stdout
    )


def test_with_keys_naive_runs_without(tmp_path: Path) -> None:
    """A strategy that takes no keys gets none, and is judged as ever; each of the others' increments has its own."""
    with serving() as service:
        finished = run("--host", service.url, "--keys", *SIZE, output=tmp_path)

    assert (0, 3 * REQUESTED) == (finished.exit_code, len(service.keys))
    assert {"naive": False, "occ": True, "scripted": True, "batched": True} == {
        name: entry["keyed"] for name, entry in finished.strategies.items()
    }
    assert {(REQUESTED, 0)} == {(entry["stored"], entry["replays"]) for entry in finished.strategies.values()}


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (Lie.FORGETS_KEYS, "more than the 60 that can have been added"),
        (Lie.KEYS_EXPIRE, "increments with keys are of unknown outcome, in spite of "),
        (Lie.MALFORMED, "answers said 200 with a body that the contract doesn't describe"),
    ],
)
def test_a_lie_about_keys(lie: Lie, reason: str, tmp_path: Path) -> None:
    """A service that counts a replay again, or doesn't know it any more, makes the load test fail."""
    with serving(lie) as service:
        finished = run("--host", service.url, "--keys", "--strategy", "occ", *SIZE, output=tmp_path)

    assert 1 == finished.exit_code
    assert any(reason in words for words in finished.strategies["occ"]["reasons"])


def test_replays_come_to_an_end(tmp_path: Path) -> None:
    """An increment that isn't answered is given up in time, with or without a key."""
    with serving(Lie.HANGS) as service:
        finished = run(
            "--host", service.url, "--strategy", "occ", "--request-timeout", "2", "--users", "1",
            "--increments", "3", "--keys", "--replay-for", "0", output=tmp_path,
        )  # fmt: skip

    entry = finished.strategies["occ"]
    assert (1, 2, 1, 0) == (finished.exit_code, entry["acknowledged"], entry["unknown"], entry["replays"])
    assert ["1 increments with keys are of unknown outcome, in spite of 0 replays"] == entry["reasons"]


SHORT_MEMORY = """
from loadtests import plan
from loadtests.locustfile import InTurn, OccUser

plan.LONGEST = 59
"""


def test_a_run_that_is_too_long_to_be_recorded(tmp_path: Path) -> None:
    """Above a documented number of increments there is no history, and the verdict says that none was checked."""
    locustfile = tmp_path / "short_memory.py"
    locustfile.write_text(SHORT_MEMORY)
    history = tmp_path / "history.jsonl"
    history.write_text("an earlier run's")
    with serving(Lie.STALE) as service:
        finished = Load(
            "-f", str(locustfile), "--headless", "--host", service.url, "--strategy", "occ", *SIZE,
            output=tmp_path, module="locust",
        ).finish()  # fmt: skip

    assert (0, False) == (finished.exit_code, history.exists())
    assert "not checked" == finished.strategies["occ"]["linearizability"]["answer"]
    assert (
        "60 stored; not checked: histories of more than 250000 increments are not recorded."
        in finished.stdout
    )


def test_naive_may_lose(tmp_path: Path) -> None:
    """A strategy that promises no better may lose increments: the loss is reported, and the test passes."""
    with serving(Lie.LOSES) as service:
        finished = run("--host", service.url, "--strategy", "naive", *SIZE, output=tmp_path)

    assert (0, LIED_TO) == (finished.exit_code, finished.strategies["naive"]["lost"])
    assert "/naive lost 33%, as it may: 60 acknowledged, 40 stored; not linearizable: two" in finished.stdout


def test_naive_may_not_double_count(tmp_path: Path) -> None:
    """Even a strategy that may lose increments can't hold more than was asked for."""
    with serving(Lie.DOUBLES) as service:
        finished = run("--host", service.url, "--strategy", "naive", *SIZE, output=tmp_path)

    assert (1, LIED_TO) == (finished.exit_code, finished.strategies["naive"]["doubled"])


def test_amounts_are_summed(tmp_path: Path) -> None:
    """With increments of more than 1, the bounds are sums of amounts, not numbers of requests."""
    with serving(Lie.UNKNOWN_APPLIED) as service:
        finished = run("--host", service.url, "--strategy", "scripted", "--by", "7", *SIZE, output=tmp_path)

    entry = finished.strategies["scripted"]
    assert (0, 7 * REQUESTED) == (finished.exit_code, entry["stored"])
    assert (7 * (REQUESTED - LIED_TO), 7 * LIED_TO) == (entry["acknowledged_amount"], entry["unknown_amount"])


def test_counters_can_be_kept(tmp_path: Path) -> None:
    """On request the counters stay, for whoever wants to look at them."""
    with serving() as service:
        finished = run(
            "--host", service.url, "--strategy", "occ", "--keep-counters", *SIZE, output=tmp_path
        )  # fmt: skip

    assert {finished.strategies["occ"]["counter"]: REQUESTED} == service.counters

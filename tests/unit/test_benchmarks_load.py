"""What the load's own record says of requests."""

from pathlib import Path

from benchmarks.load import PATIENCE, Answer, Outcome, parse, read


def test_a_line_is_an_answer() -> None:
    """Times are in microseconds."""
    answer = Answer(100, 105, 200, 200, Outcome.ACKNOWLEDGED, counter=7)

    assert [answer] == [*parse(["100 105 200 200 7 acknowledged\n"])]


def test_a_late_request_is_timed_from_when_it_was_due() -> None:
    """Whoever had it wait: the stall counts."""
    (answer,) = parse(["100 900 1000 200 0 acknowledged\n"])

    assert 900 == answer.latency


def test_a_request_that_left_a_moment_early_is_timed_from_then() -> None:
    """It must not gain by that."""
    (answer,) = parse(["100 90 1000 409 0 refused\n"])

    assert 910 == answer.latency


def test_files_that_are_done_hold_every_request(tmp_path: Path) -> None:
    """As those of threads that have had their last answer."""
    (tmp_path / "0.done").write_text("1 1 2 200 0 acknowledged\n3 3 4 503 0 unknown\n")
    (tmp_path / "1.done").write_text("1 1 2 409 0 refused\n")

    outcomes = sorted(answer.outcome for answer in read(tmp_path))

    assert [Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN] == outcomes


def test_a_file_that_is_not_done_lacks_one_request_whose_outcome_is_unknown(tmp_path: Path) -> None:
    """It was still under way when all was over: since the one before it was answered, or since all began."""
    (tmp_path / "0.done").write_text("1 1 9 200 0 acknowledged\n")
    (tmp_path / "1").write_text("2 2 5 200 0 acknowledged\n")
    (tmp_path / "2").write_text("")

    given_up = sorted(answer.sent for answer in read(tmp_path) if answer.outcome is Outcome.UNKNOWN)

    assert [1, 5] == given_up


def test_what_was_given_up_has_taken_as_long_as_was_waited(tmp_path: Path) -> None:
    """And has no status, and a counter that nobody knows."""
    (tmp_path / "0").write_text("1 1 9 200 0 acknowledged\n")

    given_up = Answer(9, 9, 9 + PATIENCE * 10**6, 0, Outcome.UNKNOWN, counter=None)
    assert given_up == [*read(tmp_path)][-1]

"""What the load's own record says of requests."""

from pathlib import Path

from benchmarks.load import PATIENCE, Answer, Outcome, parse, read


def test_a_line_is_an_answer() -> None:
    """Times are in microseconds."""
    assert [Answer(100, 105, 200, 200, Outcome.ACKNOWLEDGED)] == [*parse(["100 105 200 200 acknowledged\n"])]


def test_a_late_request_is_timed_from_when_it_was_due() -> None:
    """Whoever had it wait: the stall counts."""
    (answer,) = parse(["100 900 1000 200 acknowledged\n"])

    assert 900 == answer.latency


def test_a_request_that_left_a_moment_early_is_timed_from_then() -> None:
    """It must not gain by that."""
    (answer,) = parse(["100 90 1000 409 refused\n"])

    assert 910 == answer.latency


def test_a_file_that_is_done_holds_every_request(tmp_path: Path) -> None:
    """As one whose thread has had its last answer."""
    file = tmp_path / "0.done"
    file.write_text("1 1 2 200 acknowledged\n3 3 4 503 unknown\n")

    assert [Outcome.ACKNOWLEDGED, Outcome.UNKNOWN] == [answer.outcome for answer in read(file)]


def test_a_file_that_is_not_done_lacks_one_request_whose_outcome_is_unknown(tmp_path: Path) -> None:
    """It was sent after the last answer, and given up."""
    file = tmp_path / "0"
    file.write_text("1 1 2 200 acknowledged\n")

    *_, last = read(file)

    assert Answer(2, 2, 2 + PATIENCE * 10**6, 0, Outcome.UNKNOWN) == last

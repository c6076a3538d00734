"""Replays: until there is an acknowledgement, no longer than patience lasts, and never two clients in step."""

from collections.abc import Sequence

import pytest

from loadtests.outcomes import Answer, Outcome
from loadtests.replays import EXPIRED, Patience, settle

ACKNOWLEDGED = Answer(outcome=Outcome.ACKNOWLEDGED, value=7)
REFUSED = Answer(outcome=Outcome.FAILED, problem="/problems/conflicts-not-resolved", complaint="failed: 409")
UNKNOWN = Answer(outcome=Outcome.UNKNOWN, complaint="unknown: 503")
MALFORMED = Answer(outcome=Outcome.UNKNOWN, malformed=True, complaint="malformed")
TOO_LATE = Answer(outcome=Outcome.FAILED, problem=EXPIRED, complaint="failed: 409 expired")


class Script:
    """A service that answers as it is told to, and a clock that only waiting moves."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.waits: list[float] = []

    def settle(self, *, seconds: float, share: float = 0.0) -> Answer:
        """Settle an increment against this service."""
        patience = Patience(
            seconds=seconds, now=lambda: sum(self.waits), sleep=self.waits.append, share=lambda: share
        )
        return settle(lambda: self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], patience)


@pytest.mark.parametrize("answer", [ACKNOWLEDGED, REFUSED, TOO_LATE])
def test_an_outcome_that_is_known_is_not_replayed(answer: Answer) -> None:
    """A first answer that leaves no doubt is the answer: nothing was sent before that it could be silent about."""
    service = Script(answer)

    assert (answer, []) == (service.settle(seconds=60), service.waits)


@pytest.mark.parametrize(
    ("before", "outcome", "replays", "malformed"),
    [
        ((UNKNOWN, ACKNOWLEDGED), Outcome.ACKNOWLEDGED, 1, False),
        ((UNKNOWN, UNKNOWN, ACKNOWLEDGED), Outcome.ACKNOWLEDGED, 2, False),
        ((UNKNOWN, REFUSED, ACKNOWLEDGED), Outcome.ACKNOWLEDGED, 2, False),
        ((MALFORMED, UNKNOWN, ACKNOWLEDGED), Outcome.ACKNOWLEDGED, 2, True),
        ((UNKNOWN, TOO_LATE, ACKNOWLEDGED), Outcome.UNKNOWN, 1, False),
    ],
)
def test_what_replays_settle(
    before: Sequence[Answer],
    outcome: Outcome,
    replays: int,
    malformed: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Only an acknowledgement settles; a refused replay does not, and after an expired key none is sent any more."""
    answer = Script(*before).settle(seconds=60)

    assert (outcome, replays, malformed) == (answer.outcome, answer.replays, answer.malformed)
    assert (7 if outcome is Outcome.ACKNOWLEDGED else 0) == answer.value


@pytest.mark.parametrize("last", [UNKNOWN, REFUSED])
def test_patience_runs_out(last: Answer) -> None:
    """Waits double up to their bound, no replay begins after the last second, and the outcome stays unknown."""
    service = Script(UNKNOWN, last)

    answer = service.settle(seconds=8)

    assert [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0] == pytest.approx(service.waits)
    assert (Outcome.UNKNOWN, 7, last.complaint) == (answer.outcome, answer.replays, answer.complaint)


def test_waits_are_cut_at_random() -> None:
    """Clients whose requests were lost together come back apart: each wait is cut by up to a half."""
    service = Script(UNKNOWN)
    service.settle(seconds=1, share=1.0)

    assert [0.05, 0.1, 0.2, 0.4] == pytest.approx(service.waits)

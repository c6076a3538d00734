"""Settles increments of unknown outcome by repeating them, which is safe with an idempotency key alone.

Only an acknowledgement settles one. A refusal of a replay says that *this* request changed nothing, and nothing of
an earlier one, which may have been applied, or may yet be. This module is pure: it is told how to ask and to wait.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from loadtests.outcomes import Answer, Outcome

EXPIRED: Final = "/problems/idempotency-key-expired"
"""After this nobody will ever know: the service doesn't remember whether it has applied the increment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long, and how often, to repeat an increment before its outcome stays unknown."""

    seconds: float
    """After which no further replay begins."""
    first_wait: float = 0.1
    longest_wait: float = 2.0
    """Seconds: waits double from the one to the other, and each is cut by up to a half, so that clients whose
    requests were lost together don't come back together."""
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    share: Callable[[], float] = random.random
    """A random number from 0 to 1."""


def settle(ask: Callable[[], Answer], patience: Patience) -> Answer:
    """Ask until the answer leaves no doubt, or patience runs out.

    Args:
        ask: sends the increment, always with the same key.
        patience: when to stop.

    Returns:
        The first answer, unless its outcome is unknown; else the acknowledgement that a replay got; else the last
        answer's complaint with an unknown outcome. It says how many replays that took, and is malformed if any was.
    """
    answer = ask()
    deadline, wait = patience.now() + patience.seconds, patience.first_wait
    while answer.outcome is Outcome.UNKNOWN and answer.problem != EXPIRED:
        pause = wait * (1 - patience.share() / 2)
        if patience.now() + pause > deadline:
            break
        patience.sleep(pause)
        wait = min(2 * wait, patience.longest_wait)
        again = ask()
        settled = again.outcome is Outcome.ACKNOWLEDGED
        answer = replace(
            again,
            outcome=again.outcome if settled else Outcome.UNKNOWN,
            malformed=again.malformed or answer.malformed,
            replays=answer.replays + 1,
        )
    return answer

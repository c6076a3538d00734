"""What a caller may conclude from the answer to an increment: counted, certainly not, or nobody knows.

Anything but a documented answer is *unknown*. To take it for "not applied" would turn a write whose reply
was lost into a counter that seems to have counted twice. This module is pure: no Locust, no HTTP client.
"""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

PROBLEM: Final = "application/problem+json"
PROBLEM_TYPES: Final = "/problems/"
"""What the types of the service's documented problems begin with."""


class Outcome(StrEnum):
    """What became of an increment, as far as its caller can know."""

    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """An increment as it was asked for."""

    counter: str
    strategy: str
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer, or its absence, says."""

    outcome: Outcome
    value: int = 0
    """What the counter held right after it; without a meaning unless acknowledged."""
    conflicts: int = 0
    malformed: bool = False
    """A 200 that isn't what the contract describes."""
    replays: int = 0
    """How many times the request was repeated before this was the answer."""
    problem: str = ""
    """The type of the problem that was answered, if one was."""
    complaint: str = ""
    """Why it isn't an acknowledgement, in a few words that group well; empty if it is."""


def from_error(error: BaseException) -> Answer:
    """Classify a request that got no answer.

    Only if no connection came about is it certain that nothing was applied. A time-out or a reset, on a
    kept-alive connection too, can have hit the reply to a write that went through.
    """
    never_sent = isinstance(error, (ConnectionRefusedError, socket.gaierror))
    outcome = Outcome.FAILED if never_sent else Outcome.UNKNOWN
    return Answer(outcome=outcome, complaint=f"{outcome}: {type(error).__name__}")


def from_reply(status: int, content_type: str, body: bytes | None, asked: Increment) -> Answer:
    """Classify a complete reply.

    Args:
        status: HTTP status code.
        content_type: the header, or an empty string if there was none.
        body: the decoded body, or None if there was none.
        asked: what the request asked for, which an acknowledgement has to repeat.
    """
    document = _object(body)
    if status == HTTPStatus.OK:
        return _acknowledgement(document, asked)
    outcome = Outcome.FAILED if _is_refusal(status, content_type, document) else Outcome.UNKNOWN
    kind = str(document.get("type", ""))
    return Answer(outcome=outcome, problem=kind, complaint=f"{outcome}: status {status} {kind}".rstrip())


def _is_refusal(status: int, content_type: str, document: Mapping[str, Any]) -> bool:
    """Tell whether the service itself says that it applied nothing.

    A proxy's 4xx doesn't: its 408, for one, may be about a request that the service carried out.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    documented = media_type == PROBLEM and str(document.get("type")).startswith(PROBLEM_TYPES)
    refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return documented and document.get("outcome", "not-applied" if refused else None) == "not-applied"


def _acknowledgement(document: Mapping[str, Any], asked: Increment) -> Answer:
    echoed = {"id": asked.counter, "strategy": asked.strategy, "by": asked.by}
    wrong = [name for name, value in echoed.items() if document.get(name) != value]
    whole = ("value", "by", "attempts", "conflicts")
    wrong += [name for name in whole if not _is_whole(document.get(name))]
    if wrong:
        complaint = f"malformed: 200 without the documented {', '.join(sorted(set(wrong)))}"
        return Answer(outcome=Outcome.UNKNOWN, malformed=True, complaint=complaint)
    return Answer(outcome=Outcome.ACKNOWLEDGED, value=document["value"], conflicts=document["conflicts"])


def _is_whole(number: Any) -> bool:
    """Tell whether something parsed is a signed 64-bit integer; True == 1, but isn't one."""
    return type(number) is int and -(2**63) <= number < 2**63


def _object(body: bytes | None) -> dict[str, Any]:
    """Parse a JSON object; anything else counts as an empty one, which no rule above takes for a promise."""
    try:
        document = json.loads(body or b"")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

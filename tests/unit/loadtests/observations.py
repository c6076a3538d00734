"""Observations to judge, with only what matters spelled out."""

from typing import Any

from loadtests.linearizability import Answer, Finding
from loadtests.verdict import Observation


def observed(strategy: str = "occ", **seen: Any) -> Observation:
    """What two users saw who made five increments each, all of them counted, unless ``seen`` says otherwise."""
    usual: dict[str, Any] = {
        "users": 2,
        "increments": 5,
        "requested": 10,
        "acknowledged": 10,
        "failed": 0,
        "unknown": 0,
        "acknowledged_amount": 10,
        "unknown_amount": 0,
        "stored": 10,
        "conflicts": 3,
        "seconds": 4.0,
        "p50": 3.0,
        "p95": 20.0,
        "p99": 45.0,
        "order": Finding(answer=Answer.LINEARIZABLE),
    }
    return Observation(strategy=strategy, **usual | seen)

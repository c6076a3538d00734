"""Measurements of the benchmarks, and what is known of a run, for the tests of what is made of them."""

from typing import Any, Final

from benchmarks.figures import Cell, Measurement, Speed

ABOUT: Final[dict[str, Any]] = {
    "date": "2026-01-31",
    "cores": 2,
    "memory_gib": 24,
    "system": "Linux x86_64",
    "file_system": "ext4",
    "command": "make bench",
    "versions": ["Python 3.11.2", "Elasticsearch 9.4.3"],
    "plan": {
        "repeats": 3,
        "threads": 64,
        "seconds": 2.0,
        "rate_seconds": 2.5,
        "warm_up": 0.5,
        "prepare": 600.0,
    },
}


def measured(
    target: str,
    cell: Cell,
    *,
    rate: float = 100.0,
    p50: float = 1.0,
    p99: float = 2.0,
    p999: float = 3.0,
    **others: Any,
) -> Measurement:
    """Return what a target came to in a cell, in its first round, unless ``others`` says otherwise.

    That is 1,000 requests, all of them acknowledged, in a closed loop; times are in milliseconds.
    """
    usual: dict[str, Any] = {
        "repeat": 1,
        "asked": 0,
        "requests": 1000,
        "statuses": {"200": 1000},
        "unknown": 0,
    }
    speed = Speed(rate=rate, p50=p50, p99=p99, p999=p999)
    return Measurement(target=target, cell=cell, speed=speed, **{**usual, **others})

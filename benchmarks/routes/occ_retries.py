"""Optimistic concurrency control without taking turns: what ``/occ`` would be, by how its retries are spread.

What lost to the service's own way is kept here, so that it can be measured again.

Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from flask import Flask, Response

from benchmarks.routes import application
from service import deadlines
from service.api.problems import of_counter_error
from service.counters import Increment
from service.errors import CounterError
from service.retries import Retries
from service.settings import Settings
from service.storage.client import connect
from service.storage.repository import ElasticsearchCounters
from service.strategies.occ import try_until_unchanged


class Decorrelated(Retries):
    """Waits for a random time between the base and three times the last wait, up to the cap."""

    def attempts(self) -> Iterator[int]:
        """Yield 1, 2, 3, … until the attempts or the time run out."""
        yield 1
        wait = self.base
        for attempt in range(2, self.max_attempts + 1):
            wait = min(self.cap, self.base + self.jitter() * (3 * wait - self.base))
            if not self.in_time(wait):
                return
            self.sleep(wait)
            yield attempt


WAYS: Final[Mapping[str, Callable[[Retries], Retries]]] = MappingProxyType(
    {
        "no-backoff": lambda retries: replace(retries, max_attempts=10_000, base=0.0, cap=0.0),
        "full-jitter": lambda retries: retries,
        "decorrelated-jitter": lambda retries: Decorrelated(retries.max_attempts, retries.base, retries.cap),
    }
)
"""How the waits of the service's settings are used, by name."""


def app(way: str) -> Flask:
    """Return an application on the service's own index that retries in one of `WAYS`."""
    settings = Settings.from_env()
    counters = ElasticsearchCounters.of(connect(settings), settings)
    retries = WAYS[way](settings.retries)

    def increment(counter_id: str) -> int:
        with deadlines.within(settings.request_timeout):
            return try_until_unchanged(counters, Increment(counter_id), retries).applied.value

    made = application(f"occ-{way}", increment)
    made.register_error_handler(CounterError, _answer)
    return made


def _answer(error: CounterError) -> Response:
    return of_counter_error(error).as_response()

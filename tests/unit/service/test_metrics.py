"""What is counted, and what is not kept for it."""

import uuid
from collections.abc import Sequence

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from service import create_app, metrics
from service.counters import Applied, Increment
from service.errors import CounterError
from service.settings import Settings
from tests.fakes import InMemoryCounters


def test_what_callers_make_up_is_not_kept() -> None:
    """A method of a caller's own takes no memory, however many there are."""
    metrics.answered("GET", None, "", 405, 0.0)
    before = metrics._requests.cache_info().currsize  # noqa: SLF001 - what would grow

    for _ in range(1_000):
        metrics.answered(uuid.uuid4().hex.upper(), None, "", 405, 0.0)

    assert before == metrics._requests.cache_info().currsize  # noqa: SLF001


class Forgetful(InMemoryCounters):
    """Counters that are written before something goes wrong."""

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """Add, and fail to say so."""
        super().add_each(increments)
        raise ZeroDivisionError


def test_a_bug_after_the_write_leaves_its_outcome_unknown() -> None:
    """It is told so in the log and to the metrics: whoever was in company may have been counted."""
    http = create_app(Settings(), repository=Forgetful()).test_client()

    def unknown() -> float:
        labels = {"strategy": "batched", "reason": "unknown"}
        return REGISTRY.get_sample_value("es_counters_increments_failed_total", labels) or 0.0

    before = unknown()
    with capture_logs() as lines:
        answer = http.post("/batched/a")

    assert (500, 1) == (answer.status_code, http.get("/counters/a").get_json()["value"])
    [line] = [line for line in lines if line["event"] == "request answered"][:1]
    assert ("unknown", "internal-error") == (line["event.outcome"], line["error.type"])
    assert 1.0 == unknown() - before

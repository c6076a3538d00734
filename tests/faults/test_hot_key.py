"""Rows 13 and 14: everybody wants the same counter, and a counter remembers only so much."""

from typing import Final

from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import Case, for_each, singles
from tests.faults.conftest import Enter, Start
from tests.faults.figures import Figures
from tests.keys import uuid7
from tests.problems import problem_in
from tests.strategies import EXACT

CLIENTS: Final = 200
REMEMBERED: Final = 5


@for_each(
    [*singles(keyed=True), *singles(keyed=False)],
    short=[Case("scripted", keyed=True), Case("batched", keyed=True)],
)
def test_a_crowd_on_one_counter_is_counted(start: Start, enter: Enter, counter_id: str, case: Case) -> None:
    """Of 200 clients on one counter each is told for certain whether it counted, and the counter agrees."""
    # Time enough on any machine: who runs out of it is told, but not for certain.
    patient = {"ELASTICSEARCH_TIMEOUT": "100", "REQUEST_TIMEOUT": "100", "GRACEFUL_TIMEOUT": "110"}
    crowd = Crowd(start(patient).url, case, counter_id, timeout=120.0)

    crowd.increment(2, callers=CLIENTS)

    with Api(crowd.url) as api:
        figures = crowd.figures(api, row=13, fault=f"{CLIENTS} clients on one counter", struck=1)
    enter(figures)
    assert (0, 0) == (figures.unknown, crowd.tally.silences)


def test_what_is_forgotten_is_refused(start: Start, enter: Enter, counter_id: str) -> None:
    """A key that the log has no room for any more is refused rather than counted again; the others still replay."""
    service = start({"IDEMPOTENCY_LOG_SIZE": f"{REMEMBERED}"})
    with Api(service.url) as api:
        for strategy in EXACT:
            keys = [{"Idempotency-Key": uuid7()} for _ in range(REMEMBERED + 1)]
            path = f"/{strategy}/{counter_id}-{strategy}"
            first = [api.post(path, headers=key) for key in keys]
            forgotten = api.post(path, headers=keys[0])
            again = [api.post(path, headers=key) for key in keys[1:]]
            stored = api.value_of(f"{counter_id}-{strategy}")

            problem_in(forgotten, 409, "idempotency-key-expired")
            assert list(range(1, REMEMBERED + 2)) == [answer.json()["value"] for answer in first]
            assert list(range(2, REMEMBERED + 2)) == [answer.json()["value"] for answer in again]
            enter(
                Figures(
                    row=14,
                    fault=f"key replayed that a log of {REMEMBERED} has forgotten",
                    strategy=strategy,
                    keyed=True,
                    struck=1,
                    requested=len(keys),
                    acknowledged=len(first),
                    stored=stored,
                )
            )

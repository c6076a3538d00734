"""Amounts at the edges of what a machine's integers hold: exact, or refused with nothing changed."""

import pytest

from service.strategies import STRATEGIES
from tests.api import Api
from tests.problems import check, problem_in

LEAST = -(2**63)
MOST = 2**63 - 1

strategies = pytest.mark.parametrize("strategy", STRATEGIES)

EXACT = {
    "over 31 bits": (2**31 - 1, 1),
    "under 31 bits": (-(2**31), -1),
    "over 32 bits": (2**32 - 1, 1),
    "beyond a double's integers": (2**53, 1),
    "below a double's integers": (-(2**53), -1),
    "up to the most": (MOST - 1, 1),
    "down to the least": (LEAST + 1, -1),
    "from the least to the most": (LEAST, MOST),
    "from 0 to the least": (0, LEAST),
    "the most by 0": (MOST, 0),
    "the least by 0": (LEAST, 0),
    "of an odd large number": (9_007_199_254_740_993, 2),
}

OVERFLOWS = {
    "the most by 1": (MOST, 1),
    "the least by -1": (LEAST, -1),
    "the most by the most": (MOST, MOST),
    "the least by the least": (LEAST, LEAST),
    "1 by the most": (1, MOST),
    "-1 by the least": (-1, LEAST),
}


@strategies
@pytest.mark.parametrize(("value", "by"), EXACT.values(), ids=EXACT)
def test_adds_exactly(api: Api, counter_id: str, strategy: str, value: int, by: int) -> None:
    """A sum within 64 bits is exact, whatever its size."""
    api.put(f"/counters/{counter_id}", json={"value": value})

    answer = api.post(f"/{strategy}/{counter_id}", json={"by": by})

    assert (200, value + by, by) == (answer.status_code, answer.json()["value"], answer.json()["by"])
    assert value + by == api.value_of(counter_id)


@strategies
@pytest.mark.parametrize(("value", "by"), OVERFLOWS.values(), ids=OVERFLOWS)
def test_refuses_to_overflow(api: Api, counter_id: str, strategy: str, value: int, by: int) -> None:
    """A sum beyond 64 bits is a 409, and the counter stays at its value and version."""
    version = api.put(f"/counters/{counter_id}", json={"value": value}).headers["ETag"]

    answer = api.post(f"/{strategy}/{counter_id}", json={"by": by})

    problem_in(answer, 409, "counter-overflow")
    assert "Retry-After" not in answer.headers
    assert (value, version) == value_and_version(api, counter_id)


@strategies
@pytest.mark.parametrize(("value", "by"), EXACT.values(), ids=EXACT)
def test_adds_exactly_in_lists(api: Api, counter_id: str, strategy: str, value: int, by: int) -> None:
    """A list adds as exactly as a single increment."""
    api.put(f"/counters/{counter_id}", json={"value": value})

    answer = api.post(f"/{strategy}", json={"increments": [{"id": counter_id, "by": by}]})

    assert [value + by] == [result["value"] for result in answer.json()["results"]]
    assert value + by == api.value_of(counter_id)


@strategies
@pytest.mark.parametrize(("value", "by"), OVERFLOWS.values(), ids=OVERFLOWS)
def test_fails_only_the_item_that_overflows(
    api: Api, counter_id: str, strategy: str, value: int, by: int
) -> None:
    """In a list, an item that would overflow fails alone; those before and behind it count."""
    other = f"{counter_id}-other"
    version = api.put(f"/counters/{counter_id}", json={"value": value}).headers["ETag"]
    items = [{"id": other, "by": 2}, {"id": counter_id, "by": by}, {"id": other, "by": 3}]

    answer = api.post(f"/{strategy}", json={"increments": items})

    assert (200, 1, 0) == (answer.status_code, answer.json()["failed"], answer.json()["unknown"])
    before, failed, behind = answer.json()["results"]
    assert [(other, 2), (other, 5)] == [(before["id"], before["value"]), (behind["id"], behind["value"])]
    check(failed)
    assert (counter_id, "/problems/counter-overflow") == (failed["id"], failed["type"])
    assert (value, version) == value_and_version(api, counter_id)


@strategies
def test_goes_on_after_an_item_that_overflows(api: Api, counter_id: str, strategy: str) -> None:
    """Items of one counter are applied in order, each to what the one before has left."""
    items = [{"id": counter_id, "by": by} for by in (MOST, 1, -1, 1, 1)]

    answer = api.post(f"/{strategy}", json={"increments": items})

    assert [MOST, None, MOST - 1, MOST, None] == [item.get("value") for item in answer.json()["results"]]
    assert MOST == api.value_of(counter_id)


@pytest.mark.parametrize("value", [LEAST, -(2**53) - 1, -1, 0, 2**31, 2**53 + 1, MOST])
def test_sets_exactly(api: Api, counter_id: str, value: int) -> None:
    """A counter can be set to any 64-bit integer, and reads as it."""
    created = api.put(f"/counters/{counter_id}", json={"value": value})
    again = api.put(f"/counters/{counter_id}", json={"value": value})

    assert (201, value, None) == (
        created.status_code,
        created.json()["value"],
        created.json()["previous_value"],
    )
    assert (200, value, value) == (again.status_code, again.json()["value"], again.json()["previous_value"])
    assert value == api.value_of(counter_id)


def value_and_version(api: Api, counter_id: str) -> tuple[int, str]:
    """Return what a counter is and which version it has."""
    answer = api.get(f"/counters/{counter_id}")
    return answer.json()["value"], answer.headers["ETag"]

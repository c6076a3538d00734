"""The stale write of the tutorial: two clients read the same version, and only one of them may write."""

import pytest

from tests.api import Api
from tests.problems import problem_in


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/occ/{id}", {"by": 10}),
        ("PUT", "/counters/{id}", {"value": 10}),
        ("DELETE", "/counters/{id}", None),
    ],
    ids=["increment", "set", "delete"],
)
def test_refuses_the_second_of_two_writers(
    service_url: str, counter_id: str, method: str, path: str, body: object
) -> None:
    """Whoever writes second is told the version it required and the one there is, and may then decide again."""
    with Api(service_url) as ada, Api(service_url) as ben:
        target = path.replace("{id}", counter_id)
        ada.put(f"/counters/{counter_id}", json={"value": 0})
        seen_by_ada = ada.get(f"/counters/{counter_id}").headers["ETag"]
        seen_by_ben = ben.get(f"/counters/{counter_id}").headers["ETag"]

        first = ada.post(f"/occ/{counter_id}", json={"by": 1}, headers={"If-Match": seen_by_ada})
        stale = ben.request(method, target, json=body, headers={"If-Match": seen_by_ben})
        left = ben.get(f"/counters/{counter_id}")
        fresh = ben.request(method, target, json=body, headers={"If-Match": left.headers["ETag"]})

    assert seen_by_ada == seen_by_ben
    assert (200, 1) == (first.status_code, first.json()["value"])
    problem = problem_in(stale, 412, "precondition-failed")
    assert seen_by_ben == f'"{problem["required_version"]}"'
    assert first.headers["ETag"] == f'"{problem["current_version"]}"'
    assert (1, first.headers["ETag"]) == (left.json()["value"], left.headers["ETag"])
    assert fresh.ok

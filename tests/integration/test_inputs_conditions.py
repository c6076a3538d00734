"""If-Match and If-None-Match, well and ill formed, wherever they are taken and where they are not."""

import pytest

from service.strategies import STRATEGIES
from tests.api import Api
from tests.problems import problem_in

CONDITIONAL = {
    "increment": ("POST", "/occ/{id}", {"by": 1}),
    "set": ("PUT", "/counters/{id}", {"value": 8}),
    "delete": ("DELETE", "/counters/{id}", None),
}

conditional = pytest.mark.parametrize(("method", "path", "body"), CONDITIONAL.values(), ids=CONDITIONAL)

MALFORMED = [
    "",
    "1-0",
    "'1-0'",
    '"1-0',
    '1-0"',
    'w/"1-0"',
    'W/ "1-0"',
    '"1-0" "1-1"',
    '"a b"',
    '"1-0", *',
    ";",
]


@conditional
@pytest.mark.parametrize("tag", MALFORMED, ids=repr)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_refuses_what_is_no_entity_tag(
    api: Api, kept_counter: str, method: str, path: str, body: object, tag: str, header: str
) -> None:
    """A condition that cannot be read is a 400, never taken for one that holds."""
    answer = api.request(
        method, path.replace("{id}", kept_counter), json=body, headers={header: tag.encode()}
    )

    problem_in(answer, 400, "bad-request")


@conditional
@pytest.mark.parametrize("pair", [("*", "*"), ('"1-0"', "*"), ("*", '"1-0"'), ('"1-0"', '"1-0"')])
def test_refuses_both_conditions(
    api: Api, kept_counter: str, method: str, path: str, body: object, pair: tuple[str, str]
) -> None:
    """A counter cannot be demanded to be there and not to be: both headers at once are a 400."""
    headers = {"If-Match": pair[0], "If-None-Match": pair[1]}

    answer = api.request(method, path.replace("{id}", kept_counter), json=body, headers=headers)

    problem_in(answer, 400, "bad-request")


@conditional
@pytest.mark.parametrize("tag", ['"1-0"', 'W/"1-0"', '"1-0", *'])
def test_refuses_versions_that_a_write_must_not_meet(
    api: Api, kept_counter: str, method: str, path: str, body: object, tag: str
) -> None:
    """If-None-Match of a write means only that there is no counter yet: anything but ``*`` is a 400."""
    answer = api.request(
        method, path.replace("{id}", kept_counter), json=body, headers={"If-None-Match": tag}
    )

    problem_in(answer, 400, "bad-request")


@conditional
@pytest.mark.parametrize(
    "tag",
    [
        '"0-0"',
        '"1-999999999"',
        '"elsewhere"',
        '""',
        '"1-0-0"',
        '"-1--1"',
        '"\u00e9"',
        f'"{"9" * 4000}"',
        '"a","b"',
    ],
)
def test_fails_on_versions_that_a_counter_has_not(
    api: Api, kept_counter: str, method: str, path: str, body: object, tag: str
) -> None:
    """A tag that was never this counter's is well formed and matches nothing: a 412."""
    current = api.get(f"/counters/{kept_counter}").headers["ETag"]

    answer = api.request(
        method, path.replace("{id}", kept_counter), json=body, headers={"If-Match": tag.encode("latin-1")}
    )

    problem = problem_in(answer, 412, "precondition-failed")
    assert (tag.replace('"', "").replace(",", ", "), current.strip('"')) == (
        problem["required_version"],
        problem["current_version"],
    )


@conditional
def test_fails_on_a_weak_tag(api: Api, kept_counter: str, method: str, path: str, body: object) -> None:
    """If-Match compares strongly: the weak form of the current version does not match."""
    current = api.get(f"/counters/{kept_counter}").headers["ETag"]

    answer = api.request(
        method, path.replace("{id}", kept_counter), json=body, headers={"If-Match": f"W/{current}"}
    )

    assert f"W/{current}" == problem_in(answer, 412, "precondition-failed")["required_version"]


@conditional
@pytest.mark.parametrize("form", ["{tag}", '"0-0", {tag}', '{tag},"0-0"', 'W/"0-0"\t,\t{tag}', "*"])
def test_writes_if_a_version_matches(
    api: Api, counter_id: str, method: str, path: str, body: object, form: str
) -> None:
    """One of several tags suffices, and ``*`` is any version."""
    tag = api.put(f"/counters/{counter_id}", json={"value": 7}).headers["ETag"]

    answer = api.request(
        method,
        path.replace("{id}", counter_id),
        json=body,
        headers={"If-Match": form.replace("{tag}", tag).encode()},
    )

    assert answer.ok
    assert tag != api.get(f"/counters/{counter_id}").headers.get("ETag")


@conditional
@pytest.mark.parametrize("tag", ["*", '"1-0"'])
@pytest.mark.usefixtures("kept_counter")
def test_fails_where_there_is_no_counter(
    api: Api, counter_id: str, method: str, path: str, body: object, tag: str
) -> None:
    """Without a counter every If-Match fails, and none comes into being."""
    answer = api.request(method, path.replace("{id}", counter_id), json=body, headers={"If-Match": tag})

    problem = problem_in(answer, 412, "precondition-failed")
    assert (tag.strip('"'), None) == (problem["required_version"], problem["current_version"])
    assert 404 == api.get(f"/counters/{counter_id}").status_code


@pytest.mark.parametrize("operation", ["increment", "set"])
def test_creates_only_once(api: Api, counter_id: str, operation: str) -> None:
    """``If-None-Match: *`` creates a counter, and fails on one that is there."""
    method, path, body = CONDITIONAL[operation]
    absent = {"If-None-Match": "*"}

    created = api.request(method, path.replace("{id}", counter_id), json=body, headers=absent)
    again = api.request(method, path.replace("{id}", counter_id), json=body, headers=absent)

    assert created.ok
    problem = problem_in(again, 412, "precondition-failed")
    assert (None, created.headers["ETag"].strip('"')) == (
        problem["required_version"],
        problem["current_version"],
    )
    assert created.headers["ETag"] == api.get(f"/counters/{counter_id}").headers["ETag"]


@pytest.mark.parametrize(
    "strategy", [name for name, strategy in STRATEGIES.items() if not strategy.increment_if]
)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("tag", ["*", '"1-0"', "1-0"])
def test_refuses_conditions_that_a_strategy_cannot_hold(
    api: Api, kept_counter: str, strategy: str, header: str, tag: str
) -> None:
    """A strategy that cannot check a condition refuses it rather than ignore it."""
    answer = api.post(f"/{strategy}/{kept_counter}", headers={header: tag})

    problem_in(answer, 400, "bad-request")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("tag", ["*", '"1-0"', "1-0"])
def test_refuses_conditions_on_lists(
    api: Api, kept_counter: str, strategy: str, header: str, tag: str
) -> None:
    """A version belongs to one counter, so a list takes no condition."""
    answer = api.post(f"/{strategy}", json={"increments": [{"id": kept_counter}]}, headers={header: tag})

    problem_in(answer, 400, "bad-request")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{tag}", 304),
        ("W/{tag}", 304),
        ('"0-0", W/{tag}', 304),
        ("*", 304),
        ('"0-0"', 200),
        ('W/"0-0"', 200),
        ('"elsewhere"', 200),
    ],
)
def test_sends_a_reader_only_what_is_new(api: Api, kept_counter: str, form: str, status: int) -> None:
    """A reader who has the current version, be the tag weak, gets a 304 without a body."""
    tag = api.get(f"/counters/{kept_counter}").headers["ETag"]

    answer = api.get(f"/counters/{kept_counter}", headers={"If-None-Match": form.replace("{tag}", tag)})

    assert (status, tag) == (answer.status_code, answer.headers["ETag"])
    assert (status == 200) == bool(answer.content)


@pytest.mark.parametrize("tag", MALFORMED, ids=repr)
def test_refuses_to_guess_what_a_reader_has(api: Api, kept_counter: str, tag: str) -> None:
    """A reader's condition that cannot be read is a 400."""
    answer = api.get(f"/counters/{kept_counter}", headers={"If-None-Match": tag.encode()})

    problem_in(answer, 400, "bad-request")


def test_reads_nothing_from_a_condition_on_nothing(api: Api, counter_id: str) -> None:
    """What does not exist is a 404 whatever the reader has."""
    answer = api.get(f"/counters/{counter_id}", headers={"If-None-Match": "*"})

    problem_in(answer, 404, "counter-not-found")

"""A run's plan: from options, with counters that no other run uses."""

from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

import pytest

from loadtests.plan import Plan, positive
from loadtests.verdict import STRATEGIES

OPTIONS = {
    "num_users": 5,
    "increments": 50,
    "by": 1,
    "strategy": ["occ"],
    "request_timeout": 30.0,
    "keys": False,
    "replay_for": 60.0,
    "token_file": None,
}


def test_a_plan_from_options() -> None:
    """Strategies take their turns in the table's order, whatever order they were named in."""
    options = Namespace(**OPTIONS | {"strategy": ["scripted", "naive"]})

    plan = Plan.from_options(options, host="http://service/")

    assert ("http://service", ("naive", "scripted"), 5, 50, 1) == (
        plan.host, plan.strategies, plan.users, plan.increments, plan.by,
    )  # fmt: skip


def test_keys_are_for_strategies_that_keep_their_word() -> None:
    """With keys, exact strategies have them and others don't; without, none has."""
    plans = [
        Plan.from_options(Namespace(**OPTIONS | {"keys": keys}), host="http://service")
        for keys in (True, False)
    ]

    assert [[name != "naive" for name in STRATEGIES], [False] * len(STRATEGIES)] == [
        [plan.is_keyed(strategy) for strategy in STRATEGIES] for plan in plans
    ]


@pytest.mark.parametrize(("increments", "is_recorded"), [(50_000, True), (50_001, False)])
def test_what_is_recorded(increments: int, is_recorded: bool) -> None:  # noqa: FBT001 - a table's column
    """A history is recorded up to the number of increments that the README tells."""
    options = Namespace(**OPTIONS | {"increments": increments})

    assert is_recorded == Plan.from_options(options, host="http://service").is_recorded


def test_each_run_has_counters_of_its_own() -> None:
    """Two runs share no counter, and nor do two strategies of one run."""
    plans = [Plan.from_options(Namespace(**OPTIONS), host="http://service") for _ in range(2)]
    names = {plan.counter(strategy) for plan in plans for strategy in ("occ", "naive")}

    assert len(names) == 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_users": None}, "users, increments and by"),
        ({"increments": 0}, "users, increments and by"),
        ({"by": -1}, "users, increments and by"),
        ({"strategy": []}, f"strategy: one or several of {', '.join(STRATEGIES)}"),
        ({"strategy": ["occ", "magic"]}, f"strategy: one or several of {', '.join(STRATEGIES)}"),
        ({"request_timeout": float("nan")}, "request timeout: more than 0 seconds"),
        ({"replay_for": float("nan")}, "replay for: 0 seconds or more"),
        ({"replay_for": -0.1}, "replay for: 0 seconds or more"),
        ({"token_file": "/nowhere/at/all"}, "token file: /nowhere/at/all can't be read"),
        ({"token_file": __file__}, "has to hold a token and nothing else"),
    ],
)
def test_options_without_sense(wrong: dict[str, Any], message: str) -> None:
    """What the web UI's form lets through is refused in words for whoever filled it in."""
    with pytest.raises(ValueError, match=message):
        Plan.from_options(Namespace(**OPTIONS | wrong), host="http://service")


def test_a_token_from_a_file(tmp_path: Path) -> None:
    """A token's file may end in a newline, and the token shows in no representation."""
    file = tmp_path / "token"
    file.write_text("s3cret\n")

    plan = Plan.from_options(Namespace(**OPTIONS | {"token_file": str(file)}), host="http://service")

    assert {"Authorization": "Bearer s3cret"} == plan.headers
    assert "s3cret" not in repr(plan)


@pytest.mark.parametrize("host", [None, ""])
def test_no_host(host: str | None) -> None:
    """Without a service's address there is no plan."""
    with pytest.raises(ValueError, match="host"):
        Plan.from_options(Namespace(**OPTIONS), host=host)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", None])
def test_positive_refuses(text: str | None) -> None:
    """Only whole numbers from 1 pass, and the message names what didn't."""
    with pytest.raises(ArgumentTypeError, match="is not a whole number from 1"):
        positive(text)

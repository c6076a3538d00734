"""The race from a terminal: real clients against a real service."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from localnode.serving import Service
from service.cli import main
from service.strategies import STRATEGIES
from tests.api import Api
from tests.callers import OWN, SECRETS
from tests.integration.loadtests.lying_service import Lie, LyingService, serving

SHORT = ["--clients", "4", "--increments", "10"]


@pytest.fixture
def race_ids(api: Api, refresh: Callable[[], object]) -> Callable[[], list[str]]:
    """Tells which counters of races there are."""

    def listed() -> list[str]:
        refresh()
        return [counter["id"] for counter in api.get("/counters?prefix=race-").json()["counters"]]

    return listed


def test_it_ends_in_a_verdict_and_leaves_nothing(service_url: str, race_ids: Callable[[], list[str]]) -> None:
    """All strategies but naive hold what was expected, naive no more than that; the counters are gone."""
    result = CliRunner().invoke(main, ["race", "--url", service_url, *SHORT])

    assert 0 == result.exit_code, result.output
    got = {name: int(value) for name, value in re.findall(r"/(\w+): expected 40, got (\d+)\.", result.stdout)}
    assert set(STRATEGIES) == set(got)
    assert got == {**dict.fromkeys(STRATEGIES, 40), "naive": got["naive"]}
    assert 1 <= got["naive"] <= 40
    assert f"{got['naive']} of 40" in result.stdout
    assert [] == race_ids()


def test_who_interrupts_it_leaves_nothing(
    service_url: str, race_ids: Callable[[], list[str]], api: Api
) -> None:
    """Ctrl-C ends it midway, and the counter is deleted all the same."""
    endless = ["race", "--url", service_url, "--increments", "1000000", "--strategy", "batched"]
    with subprocess.Popen([sys.executable, "-m", "service", *endless]) as process:
        while not (racing := race_ids()) or not api.value_of(racing[0]):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)

    assert 1 == process.returncode
    assert [] == race_ids()


def test_it_lets_race_whom_it_is_told_to(service_url: str) -> None:
    """One strategy alone."""
    result = CliRunner().invoke(main, ["race", "--url", service_url, *SHORT, "--strategy", "batched"])

    assert ["/batched: expected 40, got 40. None is lost."] == result.stdout.splitlines()[-1:]


@pytest.mark.parametrize("by", ["file", "variable", "variable with a file"])
def test_it_takes_a_token(closed: Service, tmp_path: Path, by: str) -> None:
    """From a file or the environment, never from its words, which others can see."""
    (tmp_path / "token").write_text(f"{SECRETS['admin']}\n")
    options, environment = {
        "file": (["--token-file", str(tmp_path / "token")], {}),
        "variable": ([], {"SERVICE_TOKEN": SECRETS["admin"]}),
        "variable with a file": ([], {"SERVICE_TOKEN_FILE": str(tmp_path / "token")}),
    }[by]

    result = CliRunner().invoke(
        main, ["race", "--url", closed.url, *SHORT, "--strategy", "occ", *options], env=environment
    )

    assert 0 == result.exit_code, result.output
    assert "/occ: expected 40, got 40." in result.stdout


def test_a_token_for_some_ids_will_do(closed: Service) -> None:
    """Where the counters are told to be among them."""
    words = ["race", "--url", closed.url, *SHORT, "--strategy", "occ"]
    environment = {"SERVICE_TOKEN": SECRETS["billing"]}

    refused = CliRunner().invoke(main, words, env=environment)
    held = CliRunner().invoke(main, [*words, "--prefix", OWN], env=environment)

    assert (1, 0) == (refused.exit_code, held.exit_code), held.output
    assert "--prefix" in refused.stderr
    assert "/occ: expected 40, got 40." in held.stdout


@pytest.mark.parametrize("caller", ["none", "writer", "wrong"])
def test_it_says_that_it_takes_another_token(closed: Service, caller: str) -> None:
    """Without the token, and before any counter is made."""
    secret = {"none": None, "writer": SECRETS["writer"], "wrong": "wr0ng"}[caller]
    result = CliRunner().invoke(main, ["race", "--url", closed.url, *SHORT], env={"SERVICE_TOKEN": secret})

    assert (1, "") == (result.exit_code, result.stdout)
    assert "--token-file" in result.stderr
    assert "left behind" not in result.stderr
    assert not secret or secret not in result.output


@pytest.mark.parametrize("content", ["", "two words", "nön-ascii", "no-utf-8-\xff"])
def test_it_refuses_what_is_no_token(tmp_path: Path, content: str) -> None:
    """It is a misuse, and the content is not repeated."""
    (tmp_path / "token").write_bytes(content.encode("latin-1" if "\xff" in content else "utf-8"))

    result = CliRunner().invoke(main, ["race", "--token-file", str(tmp_path / "token")])

    assert 2 == result.exit_code
    assert not content or content not in result.output


def test_it_names_a_token_file_that_is_not_there(tmp_path: Path) -> None:
    """In a sentence, before anything is asked."""
    result = CliRunner().invoke(main, ["race"], env={"SERVICE_TOKEN_FILE": str(tmp_path / "token")})

    assert 2 == result.exit_code
    assert "SERVICE_TOKEN_FILE" in result.stderr


@pytest.fixture
def liar(request: pytest.FixtureRequest) -> Iterator[LyingService]:
    """A service that does not do as it says."""
    with serving(request.param) as service:
        yield service


@pytest.mark.parametrize(
    ("liar", "told"),
    [
        (Lie.LOSES, "of the acknowledged increments, which it promises never to do."),
        (Lie.DOUBLES, "That is more than can have been added."),
    ],
    indirect=["liar"],
)
def test_a_service_that_does_not_keep_its_promise_is_found_out(liar: LyingService, told: str) -> None:
    """The verdict says so, and the exit code is 1."""
    result = CliRunner().invoke(main, ["race", "--url", liar.url, *SHORT, "--strategy", "scripted"])

    assert 1 == result.exit_code
    assert told in result.stdout


@pytest.mark.parametrize(
    ("liar", "told"),
    [
        (Lie.UNKNOWN_APPLIED, "27 were acknowledged, 0 refused, 13 of unknown outcome."),
        (Lie.CUTS_REPLY, "27 were acknowledged, 0 refused, 13 of unknown outcome."),
        (Lie.PROXY_GIVES_UP, "27 were acknowledged, 0 refused, 13 of unknown outcome."),
        (Lie.NOT_APPLIED, "27 were acknowledged, 13 refused, 0 of unknown outcome."),
        (Lie.CONFLICT, "27 were acknowledged, 13 refused, 0 of unknown outcome."),
    ],
    indirect=["liar"],
)
def test_what_is_not_acknowledged_is_accounted_for(liar: LyingService, told: str) -> None:
    """An honest failure is none of the strategy's, and is told apart from what may have been applied."""
    result = CliRunner().invoke(main, ["race", "--url", liar.url, *SHORT, "--strategy", "scripted"])

    assert 0 == result.exit_code, result.output
    assert told in result.stdout

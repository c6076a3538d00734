"""The command line, where it starts nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localnode.processes import ProcessId
from tests.unit.localnode.mirror import Mirror, archive

LOCALNODE = (sys.executable, "-m", "localnode")


def localnode(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m localnode` to its end."""
    return subprocess.run(
        [*LOCALNODE, *arguments],
        env={**os.environ, "ELASTICSEARCH_URL": "", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_uses_an_elasticsearch_that_is_named() -> None:
    """With ELASTICSEARCH_URL set, the command runs with it unchanged and nothing is started."""
    url = "https://search.example:9200"

    done = localnode("run", "--", "sh", "-c", "echo $ELASTICSEARCH_URL; exit 7", ELASTICSEARCH_URL=url)

    assert (7, f"{url}\n") == (done.returncode, done.stdout)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ends_what_it_runs_on_an_elasticsearch_that_is_named(number: signal.Signals) -> None:
    """With ELASTICSEARCH_URL set too, a signal to the run, or its death, ends the command and what that has started."""
    with subprocess.Popen(
        [*LOCALNODE, "run", "--", "sh", "-c", "sleep 300 & echo $$ $!; wait"],
        env={**os.environ, "ELASTICSEARCH_URL": "http://127.0.0.1:9"},
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        processes = [ProcessId.of(int(pid)) for pid in run.stdout.readline().split()]
        run.send_signal(number)

        assert [True, True] == [process is not None and process.wait(30.0) for process in processes]


def test_names_a_command_that_does_not_exist() -> None:
    """A command that cannot be run is an error of one sentence."""
    done = localnode("run", "--", "no-such-command", ELASTICSEARCH_URL="http://127.0.0.1:9")

    assert 1 == done.returncode
    assert "no-such-command cannot be run" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["run", "--ephemeral", "--data-dir", "data", "--", "true"], "exclude each other"),
        (["run"], "Missing argument"),
        (["run", "--nodes", "2", "--", "true"], "is not one of '1', '3'"),
        (["run", "--port", "70000", "--", "true"], "is not in the range"),
    ],
)
def test_refuses_what_makes_no_sense(arguments: list[str], problem: str) -> None:
    """A mistake on the command line is told before anything starts."""
    done = localnode(*arguments)

    assert 2 == done.returncode
    assert problem in done.stderr


def test_prints_where_the_distribution_is(mirror: Mirror, environ: dict[str, str]) -> None:
    """`fetch` prints the folder alone to stdout, so that a script can use it."""
    mirror.publish(archive())

    done = localnode("fetch", **environ)

    assert Path(environ["LOCALNODE_CACHE"], "elasticsearch-9.4.3") == Path(done.stdout.removesuffix("\n"))


def test_tells_in_sentences_why_nothing_can_be_fetched(mirror: Mirror, environ: dict[str, str]) -> None:
    """Where no source serves, `fetch` fails without a traceback and says what to do."""
    done = localnode("fetch", **environ)

    assert 1 == done.returncode
    assert "Set ELASTICSEARCH_URL to a running one" in done.stderr
    assert "Traceback" not in done.stderr

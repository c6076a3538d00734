"""The tutorial's experiment as a load test of the real service: five users, 50 increments each."""

from pathlib import Path

from localnode.serving import Service
from service.strategies import STRATEGIES
from tests.api import Api
from tests.callers import SECRETS
from tests.integration.loadtests.running import run


def test_the_tutorials_experiment(service_url: str, api: Api, tmp_path: Path) -> None:
    """``/naive`` holds no more than it acknowledged, all others just that; all that the service has are judged."""
    finished = run("--host", service_url, "--keep-counters", output=tmp_path)

    assert (0, True) == (finished.exit_code, finished.document["holds"]), finished.stdout
    assert list(STRATEGIES) == list(finished.strategies)
    for name, entry in finished.strategies.items():
        assert (250, 0, 0) == (entry["requested"], entry["malformed"], entry["doubled"])
        assert api.value_of(entry["counter"]) == entry["stored"]
        assert entry["lost"] == 0 or name == "naive"
        assert entry["linearizability"]["answer"] == "linearizable" or name == "naive"


def test_with_a_token(closed: Service, tmp_path: Path) -> None:
    """Where the service asks for a token, the load test takes one from a file, and shows it nowhere."""
    file = tmp_path / "token"
    file.write_text(SECRETS["admin"])
    options = ("--host", closed.url, "--increments", "3", "--loglevel", "DEBUG")

    finished = run(*options, "--token-file", str(file), output=tmp_path / "with")
    without = run(*options, output=tmp_path / "without")

    assert (0, True) == (finished.exit_code, finished.document["holds"]), finished.stdout
    assert (1, False) == (without.exit_code, without.document["holds"])
    assert "401" in without.document["problem"]
    written = "".join(file.read_text() for file in finished.output.iterdir())
    assert SECRETS["admin"] not in written + finished.stdout + finished.stderr

"""No way to end a load test early is taken for a verdict that holds."""

import signal
from pathlib import Path

import pytest

from tests.integration.loadtests.lying_service import Lie, serving
from tests.integration.loadtests.running import Load, run


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_run(stop: signal.Signals, tmp_path: Path) -> None:
    """SIGTERM and Ctrl-C end a run with what was seen so far, and not with 0."""
    with serving(Lie.STALLS) as service:
        load = Load("--host", service.url, "--stop-timeout", "1", output=tmp_path)
        service.wait_for_increments(15)
        load.process.send_signal(stop)
        finished = load.finish()

    assert finished.exit_code == 1
    assert finished.document["problem"] == "the run was stopped before its end"
    assert (10, 5) == tuple(finished.strategies["naive"][key] for key in ("acknowledged", "unknown"))
    assert "No verdict: the run was stopped before its end." in finished.stdout


LEAPING_CLOCK = """
from pathlib import Path
from time import monotonic

from loadtests import conductor
from loadtests.locustfile import InTurn, OccUser

an_hour_later = Path(__file__).with_name("an-hour-later")
conductor.monotonic = lambda: monotonic() + 3600 * an_hour_later.exists()
"""


def test_users_killed_by_a_time_limit(tmp_path: Path) -> None:
    """Requests of users that are killed count as unknown, and their missing ones keep the verdict red."""
    locustfile = tmp_path / "leaping_clock.py"
    locustfile.write_text(LEAPING_CLOCK)
    with serving(Lie.STALLS) as service:
        load = Load(
            "-f", str(locustfile), "--headless", "--host", service.url, "--strategy", "occ",
            "--run-time", "1h", "--stop-timeout", "1", output=tmp_path, module="locust",
        )  # fmt: skip
        service.wait_for_increments(15)
        (tmp_path / "an-hour-later").touch()
        finished = load.finish()

    entry = finished.strategies["occ"]
    assert (1, 10, 5) == (finished.exit_code, entry["acknowledged"], entry["unknown"])
    assert "the time limit was reached" == finished.document["problem"]
    assert "15 requests were made, 250 should have been" in entry["reasons"]


def test_no_service(nowhere: str, tmp_path: Path) -> None:
    """Without a service there is no load and no verdict, but a sentence that says why."""
    finished = run("--host", nowhere, output=tmp_path)

    assert (1, []) == (finished.exit_code, finished.document["strategies"])
    assert "No verdict: PUT http" in finished.stdout
    assert "Connection refused" in finished.stdout


def test_a_service_that_goes_away(tmp_path: Path) -> None:
    """When the service is gone after the load, nothing can be read back, and that is no verdict."""
    with serving(Lie.STALLS) as service:
        load = Load("--host", service.url, "--strategy", "occ", output=tmp_path)
        service.wait_for_increments(15)
        service.closing.set()
        finished = load.finish()

    entry = finished.strategies["occ"]
    assert (1, None, 250) == (finished.exit_code, entry["stored"], entry["requested"])
    assert "the counter couldn't be read" in entry["reasons"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--users", "0"),
        ("--increments", "0"),
        ("--by", "x"),
        ("--strategy", "magic"),
        ("--request-timeout", "0"),
        ("--keys", "--replay-for", "-1"),
        ("--class-picker",),
    ],
)
def test_nonsense_is_refused(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Options that leave nothing to judge are refused, not run."""
    finished = run(*arguments, output=tmp_path)

    assert finished.exit_code != 0
    assert "Verdict" not in finished.stdout


CRASHING_USERS = """
from loadtests.locustfile import InTurn, OccUser

def crash(self):
    raise RuntimeError("no more users like this one")

OccUser.on_start = crash
"""


def test_users_that_crash(tmp_path: Path) -> None:
    """Users that end before they could count anything are missed, and the run comes to its end without them."""
    locustfile = tmp_path / "crashing.py"
    locustfile.write_text(CRASHING_USERS)
    with serving() as service:
        load = Load(
            "-f", str(locustfile), "--headless", "--host", service.url, "--strategy", "occ",
            output=tmp_path, module="locust",
        )  # fmt: skip
        finished = load.finish()

    entry = finished.strategies["occ"]
    assert (1, 0) == (finished.exit_code, entry["requested"])
    assert "no request was made" in entry["reasons"]

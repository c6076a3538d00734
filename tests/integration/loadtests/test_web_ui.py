"""Locust's web UI: runs started from its form end in a verdict, in a tab of its own."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.integration.loadtests.lying_service import Lie, serving
from tests.integration.loadtests.running import PATIENCE, ROOT, Finished, Load, free_port


class WebUi:
    """Locust with its web UI, and what its pages would do."""

    def __init__(self, host: str, *arguments: str, output: Path) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}/ui"
        self.load = Load(
            "-f", str(ROOT / "loadtests" / "locustfile.py"), "--host", host, "--web-host", "127.0.0.1",
            "--web-port", str(port), "--web-base-path", "/ui", *arguments, output=output, module="locust",
        )  # fmt: skip
        wait_for(lambda: self.get("/").ok)

    def get(self, path: str) -> requests.Response:
        """Fetch a page or some data."""
        return requests.get(f"{self.base}{path}", timeout=10)

    def start(self, **form: str) -> None:
        """Send the form."""
        reply = requests.post(f"{self.base}/swarm", {"user_count": 3, "spawn_rate": 1, **form}, timeout=10)
        assert reply.json()["success"]

    def next_verdict(self, *, after: str | None = None) -> dict[str, Any]:
        """Wait until a run is over, and return its verdict; not that of the run called ``after``."""
        wait_for(lambda: (reply := self.get("/verdict.json")).ok and reply.json()["run"] != after)
        document: dict[str, Any] = self.get("/verdict.json").json()
        return document

    def rows(self) -> list[dict[str, str]]:
        """What the verdict's tab shows."""
        (extension,) = self.get("/stats/requests").json()["extended_stats"]
        assert extension["key"] == "verdict"
        rows: list[dict[str, str]] = extension["data"]
        return rows

    def end(self) -> Finished:
        """End Locust with SIGTERM."""
        self.load.process.send_signal(signal.SIGTERM)
        return self.load.finish()


@contextmanager
def web_ui(host: str, *arguments: str, output: Path) -> Iterator[WebUi]:
    """Have Locust's web UI, and leave nothing of it behind."""
    ui = WebUi(host, *arguments, output=output)
    try:
        yield ui
    finally:
        ui.load.end()


def wait_for(condition: Any) -> None:
    """Ask again and again until something is so."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
        except requests.ConnectionError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_several_runs_in_a_row(tmp_path: Path) -> None:
    """Each run from the form gets a verdict of its own, which the tab and its two downloads show."""
    with serving() as service, web_ui(service.url, output=tmp_path) as ui:
        before = (ui.rows(), ui.get("/verdict.json").status_code)
        ui.start(increments="4", strategy="occ")
        first = ui.next_verdict()
        first_rows = ui.rows()
        wait_for(lambda: ui.get("/stats/requests").json()["state"] == "stopped")
        service.lie = Lie.DOUBLES
        ui.start(increments="6", strategy="naive,scripted", keys="true")
        second = ui.next_verdict(after=first["run"])
        page, plot = ui.get("/").text, ui.get("/verdict.html")
        wait_for(lambda: ui.get("/stats/requests").json()["state"] == "stopped")
        second_rows = ui.rows()
        finished = ui.end()

    assert ([], 404) == before
    assert (True, 12) == (first["holds"], first["strategies"][0]["stored"])
    assert ["/occ", "3", "12", "12"] == [first_rows[0][f"c{n}"] for n in range(4)]
    assert ("overall", "holds") == (first_rows[1]["c0"], first_rows[1]["c16"])
    assert (False, ["naive", "scripted"]) == (
        second["holds"],
        [entry["strategy"] for entry in second["strategies"]],
    )
    assert [False, True] == [entry["keyed"] for entry in second["strategies"]]
    assert ["does not hold", "does not hold"] == [row["c16"] for row in second_rows[:2]]
    assert '"extended_tabs": [{"key": "verdict", "title": "Verdict"}]' in page
    assert (True, True) == (plot.ok, "<svg" in plot.text)
    assert (1, second) == (finished.exit_code, finished.document)


def test_a_run_that_is_stopped(tmp_path: Path) -> None:
    """The Stop button ends a run with no verdict, and the next run is judged as if nothing had happened."""
    with serving(Lie.STALLS) as service, web_ui(service.url, "--stop-timeout", "1", output=tmp_path) as ui:
        ui.start(increments="5", strategy="occ")
        service.wait_for_increments(11)
        under_way = ui.rows()
        assert requests.post(f"{ui.base}/stop", timeout=30).json()["success"]
        stopped = ui.next_verdict()
        service.lie = Lie.NONE
        ui.start(increments="5", strategy="occ")
        again = ui.next_verdict(after=stopped["run"])
        finished = ui.end()

    assert ("/occ", "under way") == (under_way[0]["c0"], under_way[0]["c16"])
    assert (False, "the run was stopped before its end") == (stopped["holds"], stopped["problem"])
    assert (True, 15) == (again["holds"], again["strategies"][0]["stored"])
    assert finished.exit_code == 0


def test_a_form_without_sense(tmp_path: Path) -> None:
    """A form that leaves nothing to run is answered in Locust's log, and there is no verdict."""
    with serving() as service, web_ui(service.url, output=tmp_path) as ui:
        ui.start(increments="0")
        wait_for(lambda: "Nothing to run: users, increments and by" in ui.get("/logs").text)
        verdict = ui.get("/verdict.json")
        finished = ui.end()

    assert (404, 1, 0) == (verdict.status_code, finished.exit_code, service.increments)


def test_a_run_without_all_its_workers(tmp_path: Path) -> None:
    """A run that is started before all workers are there doesn't begin, and the tab says why."""
    port = str(free_port())
    bound = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--stop-timeout", "0")
    master = ("--master", "--expect-workers", "2", *bound)
    with serving() as service, web_ui(service.url, *master, output=tmp_path) as ui:
        worker = Load("--worker", "--master-port", port, output=tmp_path)
        wait_for(lambda: ui.get("/worker-count").json()["worker_count"] == 1)
        ui.start()
        verdict = ui.next_verdict()
        rows = ui.rows()
        finished = ui.end()
        worker.finish()

    assert (False, []) == (verdict["holds"], verdict["strategies"])
    assert ("overall", "1 of 2 workers are ready") == (rows[0]["c0"], rows[0]["c16"])
    assert (1, 0) == (finished.exit_code, service.increments)

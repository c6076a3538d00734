"""The tutorial's experiment as a load test of the real service: five users, 50 increments each."""

from pathlib import Path

from tests.api import Api
from tests.integration.loadtests.running import run


def test_the_tutorials_experiment(service_url: str, api: Api, tmp_path: Path) -> None:
    """``/occ`` and ``/scripted`` hold what they acknowledged, ``/naive`` no more than that; all are judged."""
    finished = run("--host", service_url, "--keep-counters", output=tmp_path)

    assert (0, True) == (finished.exit_code, finished.document["holds"]), finished.stdout
    assert ["naive", "occ", "scripted"] == list(finished.strategies)
    for name, entry in finished.strategies.items():
        assert (250, 0, 0) == (entry["requested"], entry["malformed"], entry["doubled"])
        assert api.value_of(entry["counter"]) == entry["stored"]
        assert entry["lost"] == 0 or name == "naive"

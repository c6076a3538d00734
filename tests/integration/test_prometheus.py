"""A real Prometheus with the configuration and the alerts of the profile `observe`, but for where the service is."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from localnode.ports import choose_one
from localnode.processes import wait_until
from tests.api import Api
from tests.observing import ALERTS, EXPRESSIONS, KUBERNETES, PROMETHEUS, RULES, TRIALS

pytestmark = pytest.mark.xdist_group("prometheus")

SECONDS: Final = 60.0

NOBODY: Final = f"127.0.0.1:{choose_one()}"
"""A replica that does not answer."""


def program(name: str) -> str:
    """Return where a program of Prometheus' is."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: `make prometheus` gets it.")
    return found


@pytest.fixture(scope="module")
def url(service_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start Prometheus, which looks every second at the service, and at a replica that does not answer."""
    folder = tmp_path_factory.mktemp("prometheus")
    configuration = yaml.safe_load(PROMETHEUS.read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(RULES)]
    [job] = configuration["scrape_configs"]
    job["static_configs"] = [{"targets": [urlsplit(service_url).netloc, NOBODY]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{choose_one()}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://{address}/api/v1"
        finally:
            process.terminate()
            process.wait(SECONDS)


def asked(url: str, path: str, **parameters: str) -> Any:
    """Return what Prometheus answers; nothing as long as it does not."""
    try:
        answer = requests.get(f"{url}/{path}", params=parameters, timeout=SECONDS)
    except requests.ConnectionError:
        return {}
    return answer.json().get("data", {}) if answer.ok else {}


def found(url: str, expression: str) -> Any:
    """Return what an expression comes to."""
    return asked(url, "query", query=expression).get("result", [])


def test_it_sees_the_service(url: str, service_url: str) -> None:
    """What has been counted can be asked for."""
    with Api(service_url) as api:
        assert 200 == api.post("/scripted/prometheus").status_code

    expression = 'es_counters_increment_attempts_count{job="es-counters", strategy="scripted"} > 0'
    assert wait_until(lambda: len(found(url, expression)) == 1, timeout=SECONDS)


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_it_understands_what_is_asked(url: str, expression: str) -> None:
    """Each expression of the alerts and of the dashboard can be evaluated."""
    assert wait_until(lambda: asked(url, "query", query=expression) != {}, timeout=SECONDS)


def test_it_watches(url: str) -> None:
    """All alerts are evaluated, and that of a replica which does not answer is on its way, for that one alone."""

    def states() -> dict[str, tuple[str, list[str]]]:
        groups = asked(url, "rules").get("groups", [])
        return {
            rule["name"]: (rule["health"], [alert["labels"].get("instance") for alert in rule["alerts"]])
            for group in groups
            for rule in group["rules"]
        }

    def are_evaluated() -> bool:
        return {name: health for name, (health, _) in states().items()} == {
            rule["alert"]: "ok" for rule in ALERTS
        }

    assert wait_until(are_evaluated, timeout=SECONDS)
    assert wait_until(lambda: states()["CountersTargetDown"] == ("ok", [NOBODY]), timeout=SECONDS)


@pytest.mark.parametrize(
    "command",
    [
        ["check", "rules", str(RULES)],
        ["check", "config", str(PROMETHEUS)],
        ["test", "rules", str(TRIALS)],
    ],
    ids=lambda command: " ".join([*command[:2], Path(command[-1]).name]),
)
def test_its_tool_finds_no_fault(command: list[str]) -> None:
    """Rules and configurations are well-formed, and each alert fires when it should, and says what it should."""
    checked = subprocess.run([program("promtool"), *command], capture_output=True, text=True, check=False)

    assert 0 == checked.returncode, f"{checked.stdout}{checked.stderr}"


def test_its_tool_finds_no_fault_for_kubernetes(tmp_path: Path) -> None:
    """So is the configuration for Kubernetes, but for how pods are found, which Debian's build has left out."""
    configuration = yaml.safe_load(KUBERNETES.read_text())
    [job] = configuration["scrape_configs"]
    assert [{"role": "pod"}] == job.pop("kubernetes_sd_configs")
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))

    # The syntax alone: its token is in the cluster.
    command = [program("promtool"), "check", "config", "--syntax-only", str(tmp_path / "prometheus.yml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 0 == checked.returncode, f"{checked.stdout}{checked.stderr}"


@pytest.mark.parametrize("fires", [True, False])
def test_every_alert_is_tried(fires: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    """There is something that has it fire, and something of the kind that does not."""
    trials = yaml.safe_load(TRIALS.read_text())["tests"]
    tried = {
        trial["alertname"]
        for each in trials
        for trial in each["alert_rule_test"]
        if bool(trial["exp_alerts"]) is fires
    }

    assert {rule["alert"] for rule in ALERTS} == tried

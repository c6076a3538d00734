"""docker/kubernetes: Kubernetes takes the manifests, and they fit the service, its image and each other."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from kubernetes_validate import ValidationError, validate

from service.access import Scope, make_token
from service.settings import Settings

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docker" / "kubernetes"
VERSIONS: Final = ("1.27", "1.37")
"""Of Kubernetes: the oldest that the manifests are said to fit, and the newest whose schemas are at hand."""

Manifest = dict[str, Any]


def manifests(name: str) -> list[Manifest]:
    """Return what stands in a file."""
    return list(yaml.safe_load_all((FOLDER / name).read_text("utf-8")))


ALL: Final = {
    f"{manifest['kind']} {manifest['metadata']['name']}": manifest
    for path in sorted(FOLDER.glob("*.yaml"))
    for manifest in manifests(path.name)
}
DEPLOYMENT: Final = ALL["Deployment counters"]
JOB: Final = ALL["Job counters-init"]
WORKLOADS: Final = {"service": DEPLOYMENT, "init": JOB}
COMPOSE: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]


def pod(workload: Manifest) -> Manifest:
    """Return the pods that a workload makes."""
    return dict(workload["spec"]["template"]["spec"])


def container(workload: Manifest) -> Manifest:
    """Return the one container of these."""
    [only] = pod(workload)["containers"]
    return dict(only)


def environment(workload: Manifest) -> dict[str, str]:
    """Return the variables that it is given."""
    return {variable["name"]: variable["value"] for variable in container(workload)["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ALL)
def test_kubernetes_takes_it(name: str, version: str) -> None:
    """It has the fields that the schema of its kind knows, and what these may hold."""
    validate(ALL[name], version, strict=True)


def misspelt(deployment: Manifest) -> None:
    """Have a field that there is not."""
    container(deployment)["securityContext"]["readOnlyRootFileSystem"] = True


def mistaken(deployment: Manifest) -> None:
    """Have a text where a number belongs."""
    deployment["spec"]["replicas"] = "two"


def missing(deployment: Manifest) -> None:
    """Have no image's name beside its container's."""
    del deployment["spec"]["selector"]


@pytest.mark.parametrize("spoil", [misspelt, mistaken, missing])
def test_what_kubernetes_would_not_take_is_noticed(spoil: Callable[[Manifest], None]) -> None:
    """The check finds a field that is misspelt, of a wrong type, or not there."""
    deployment = copy.deepcopy(DEPLOYMENT)
    spoil(deployment)

    with pytest.raises(ValidationError):
        validate(deployment, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_service_takes_its_settings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one that it knows, and they fit together; each file is in a secret that is mounted."""
    mounts = {mount["mountPath"] for mount in container(WORKLOADS[name])["volumeMounts"]}
    _, token = make_token("caller", frozenset({Scope.READ}), "")
    for variable, value in environment(WORKLOADS[name]).items():
        if value.startswith("/"):
            assert value.rpartition("/")[0] in mounts
            file = tmp_path / variable
            file.write_text(token.as_line() if variable == "ACCESS_TOKENS_FILE" else "secret")
            value = str(file)  # noqa: PLW2901 - where it is in this test
        monkeypatch.setenv(variable, value)
    settings = Settings.from_env()

    known = {field.upper() for field in Settings.__slots__}
    assert {variable.removesuffix("_FILE") for variable in environment(WORKLOADS[name])} <= known
    assert "secret" == settings.elasticsearch_password
    assert ((token,) if name == "service" else ()) == settings.access_tokens


@pytest.mark.parametrize("name", WORKLOADS)
def test_it_is_as_hardened_as_with_compose(name: str) -> None:
    """It cannot write but to its own memory, has no privilege and no way to one, and is nobody by number."""
    secured, limits = container(WORKLOADS[name])["securityContext"], container(WORKLOADS[name])["resources"]
    [user] = re.findall(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1:]
    volumes = {volume["name"]: volume for volume in pod(WORKLOADS[name])["volumes"]}

    assert COMPOSE[name]["read_only"] is secured["readOnlyRootFilesystem"] is True
    assert COMPOSE[name]["cap_drop"] == secured["capabilities"]["drop"]
    assert secured["allowPrivilegeEscalation"] is False
    assert int(user) == pod(WORKLOADS[name])["securityContext"]["runAsUser"]
    assert pod(WORKLOADS[name])["automountServiceAccountToken"] is False
    assert "Memory" == volumes["tmp"]["emptyDir"]["medium"]
    assert {"cpu", "memory"} == limits["limits"].keys() == limits["requests"].keys()


def test_credentials_are_in_secrets_alone() -> None:
    """No manifest holds one, and the superuser's is not the service's."""
    secrets = {
        name: {volume["secret"]["secretName"] for volume in pod(workload)["volumes"] if "secret" in volume}
        for name, workload in WORKLOADS.items()
    }

    assert not any(manifest["kind"] == "Secret" for manifest in ALL.values())
    assert "counters-superuser" in secrets["init"] - secrets["service"]
    for workload in WORKLOADS.values():
        assert (
            not {"ELASTICSEARCH_PASSWORD", "ELASTICSEARCH_API_KEY", "ACCESS_TOKENS"}
            & environment(workload).keys()
        )


def test_a_replica_is_given_the_time_to_drain() -> None:
    """It serves for longer than it takes to look twice at its readiness, and is then given its time."""
    variables, looks = environment(DEPLOYMENT), container(DEPLOYMENT)["readinessProbe"]
    drain = int(variables["DRAIN_DELAY"])

    assert looks["periodSeconds"] * looks["failureThreshold"] <= drain
    assert drain + int(variables["GRACEFUL_TIMEOUT"]) < pod(DEPLOYMENT)["terminationGracePeriodSeconds"]
    assert 0 == DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"]


def test_probes_ask_what_they_should() -> None:
    """Readiness waits for Elasticsearch as long as the service does; nothing is restarted for want of it."""
    probes = container(DEPLOYMENT)

    assert "/readyz" == probes["readinessProbe"]["httpGet"]["path"]
    assert Settings().elasticsearch_timeout < probes["readinessProbe"]["timeoutSeconds"]
    for name in ("startupProbe", "livenessProbe"):
        assert "/healthz" == probes[name]["httpGet"]["path"]


def test_all_of_it_is_about_the_same_pods() -> None:
    """Who selects pods finds the deployment's, at the port that the image listens on."""
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    selectors = [
        DEPLOYMENT["spec"]["selector"]["matchLabels"],
        ALL["Service counters"]["spec"]["selector"],
        ALL["PodDisruptionBudget counters"]["spec"]["selector"]["matchLabels"],
        pod(DEPLOYMENT)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ]
    [port] = container(DEPLOYMENT)["ports"]
    [exposed] = re.findall(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert all(selector.items() <= labels.items() for selector in selectors)
    assert port["name"] == ALL["Service counters"]["spec"]["ports"][0]["targetPort"]
    assert int(exposed) == port["containerPort"]
    assert container(JOB)["image"] == container(DEPLOYMENT)["image"]
    assert ALL["ServiceAccount counters"]["metadata"]["name"] == pod(DEPLOYMENT)["serviceAccountName"]


def test_prometheus_finds_the_replicas() -> None:
    """What docker/prometheus/kubernetes.yml keeps are the pods of the service, at the port where they listen."""
    configuration = yaml.safe_load((ROOT / "docker" / "prometheus" / "kubernetes.yml").read_text("utf-8"))
    [job] = configuration["scrape_configs"]
    [kept] = [rule["regex"] for rule in job["relabel_configs"] if rule.get("action") == "keep"]
    [port] = container(DEPLOYMENT)["ports"]
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]

    assert "es-counters" == job["job_name"]
    assert f"{labels['app.kubernetes.io/name']};{port['name']};Running" == kept

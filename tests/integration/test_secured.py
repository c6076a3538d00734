"""A secured Elasticsearch: TLS with a CA of its own, and a service that may use its counters and nothing else."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result
from elasticsearch import AuthorizationException, Elasticsearch
from flask.testing import FlaskClient

import localnode
from localnode.serving import serving
from service import create_app
from service.access import Scope, make_token
from service.cli import main
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import index_name
from service.storage.security import create_service_user, role_descriptor
from service.storage.tombstones import remove_tombstones
from service.strategies import STRATEGIES
from tests.api import Api
from tests.keys import uuid7
from tests.problems import Answer, check, problem_in
from tests.wire import Wire

# One process runs all of it: nodes are dear, and these tests share theirs.
pytestmark = pytest.mark.xdist_group("secured")

PASSWORD = "not-the-superusers-password"  # noqa: S105 - of a node that lives for this test
WRONG = "wr0ng"
ALIAS = "counters"

CALLS: Final = [
    *(("POST", f"/{strategy}/c", None) for strategy in STRATEGIES),
    *(("POST", f"/{strategy}", {"increments": [{"id": "c"}, {"id": "d"}]}) for strategy in STRATEGIES),
    ("GET", "/counters/c", None),
    ("PUT", "/counters/c", {"value": 9}),
    ("DELETE", "/counters/c", None),
    ("GET", "/counters", None),
    ("GET", "/readyz", None),
]
"""Every call that asks Elasticsearch."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the service says to Elasticsearch of who it is.

    Attributes:
        environment: Its settings.
        secrets: What must not be seen anywhere.
        revoke: Takes it away, so that Elasticsearch does not know the service any more.
    """

    environment: Mapping[str, str]
    secrets: tuple[str, ...]
    revoke: Callable[[], object]


@pytest.fixture(scope="module")
def superuser() -> Iterator[Settings]:
    """The settings of someone who may do everything, in an Elasticsearch that asks who one is."""
    with localnode.cluster(secure=True) as cluster:
        yield Settings(
            elasticsearch_url=tuple(cluster.urls),
            elasticsearch_username=cluster.username,
            elasticsearch_password=cluster.password,
            elasticsearch_ca_certs=str(cluster.ca_certs),
        )


@pytest.fixture(scope="module")
def environment(superuser: Settings) -> Mapping[str, str]:
    """The same as a program's environment."""
    return {
        **os.environ,
        "ELASTICSEARCH_URL": ",".join(superuser.elasticsearch_url),
        "ELASTICSEARCH_USERNAME": str(superuser.elasticsearch_username),
        "ELASTICSEARCH_PASSWORD": str(superuser.elasticsearch_password),
        "ELASTICSEARCH_CA_CERTS": str(superuser.elasticsearch_ca_certs),
    }


@pytest.fixture(scope="module", autouse=True)
def _initialised(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the command line make the index and the service's user, twice, since it must be repeatable."""
    file = tmp_path_factory.mktemp("secret") / "password"
    file.write_text(PASSWORD)
    command = [sys.executable, "-m", "service", "init", "--service-user", "counters"]
    for _ in range(2):
        subprocess.run([*command, "--service-password-file", str(file)], env=environment, check=True)


@pytest.fixture(scope="module")
def as_user(superuser: Settings) -> Settings:
    """The settings of the service as its own user."""
    return replace(superuser, elasticsearch_username="counters", elasticsearch_password=PASSWORD)


@pytest.fixture(scope="module")
def api_key_file(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with an API key that the command line has made."""
    file = tmp_path_factory.mktemp("secret") / "key"
    command = [sys.executable, "-m", "service", "init", "--api-key", "counters", "--api-key-file", str(file)]
    subprocess.run(command, env=environment, check=True)
    return file


@pytest.fixture(scope="module")
def as_api_key(superuser: Settings, api_key_file: Path) -> Settings:
    """The settings of the service with an API key that may do the same."""
    return replace(
        superuser,
        elasticsearch_username=None,
        elasticsearch_password=None,
        elasticsearch_api_key=api_key_file.read_text().strip(),
    )


@pytest.fixture(params=["as_user", "as_api_key"])
def service_settings(request: pytest.FixtureRequest) -> Settings:
    """The service's settings, each way to say who it is in turn."""
    settings: Settings = request.getfixturevalue(request.param)
    return settings


@pytest.fixture
def http(service_settings: Settings) -> FlaskClient:
    """The service."""
    return create_app(service_settings).test_client()


@pytest.fixture
def own_client(service_settings: Settings) -> Iterator[Elasticsearch]:
    """An Elasticsearch client with the service's privileges."""
    with connect(service_settings) as client:
        yield client


def test_every_call_of_the_service_is_allowed(http: FlaskClient, counter_id: str) -> None:
    """The least privileges are enough for all that the contract has."""
    answers = [
        *(http.post(f"/{strategy}/{counter_id}") for strategy in STRATEGIES),
        *(http.post(f"/{strategy}", json={"increments": [{"id": counter_id}]}) for strategy in STRATEGIES),
        http.get(f"/counters/{counter_id}"),
        http.get("/counters"),
        http.put(f"/counters/{counter_id}", json={"value": 1}),
        http.delete(f"/counters/{counter_id}"),
        http.get("/readyz"),
    ]

    assert {200, 204} == {answer.status_code for answer in answers}
    counted = 2 * len(STRATEGIES)
    assert counted == answers[counted].get_json()["value"]


def run(settings: Settings, *words: str, stdin: bytes = b"") -> Result:
    """Run a command as the service's own user or key, whichever the settings have."""
    environment = {
        "ELASTICSEARCH_URL": ",".join(settings.elasticsearch_url),
        "ELASTICSEARCH_CA_CERTS": settings.elasticsearch_ca_certs,
        "ELASTICSEARCH_USERNAME": settings.elasticsearch_username,
        "ELASTICSEARCH_PASSWORD": settings.elasticsearch_password,
        "ELASTICSEARCH_API_KEY": settings.elasticsearch_api_key,
        "ELASTICSEARCH_TIMEOUT": "60",
        "COUNTERS_ALIAS": ALIAS,
    }
    return CliRunner().invoke(main, words, input=stdin, env=environment)


def test_the_key_is_for_its_owner(api_key_file: Path) -> None:
    """Others cannot read the file that the command line writes it to."""
    assert 0o600 == api_key_file.stat().st_mode & 0o777


def test_counters_can_be_exported_and_imported(
    http: FlaskClient, service_settings: Settings, counter_id: str
) -> None:
    """The least privileges are enough for that; what was acknowledged a moment ago is in it."""
    http.put(f"/counters/{counter_id}", json={"value": 5})

    exported = run(service_settings, "export", "-")
    http.put(f"/counters/{counter_id}", json={"value": 6})
    imported = run(service_settings, "import", "--if-exists", "overwrite", "-", stdin=exported.stdout_bytes)

    assert (0, 0) == (exported.exit_code, imported.exit_code), exported.output + imported.output
    assert f'{{"id":"{counter_id}","value":5}}' in exported.stdout.splitlines()
    assert 5 == http.get(f"/counters/{counter_id}").get_json()["value"]


def test_check_finds_the_least_privileges_enough(service_settings: Settings) -> None:
    """It fails nothing for want of more; the version alone cannot be seen."""
    result = run(service_settings, "check")

    states = [line.split()[0] for line in result.stdout.splitlines()]
    assert 0 == result.exit_code, result.output
    assert ["ok", "ok", "unknown", "ok", "ok", "ok", "ok"] == states


def test_check_names_the_privileges_that_are_missing(
    administrator: Elasticsearch, superuser: Settings
) -> None:
    """And says how to make someone who has them."""
    administrator.security.put_role(
        name="reader", indices=[{"names": [ALIAS], "privileges": ["read", "view_index_metadata"]}]
    )
    administrator.security.put_user(username="reader", password=PASSWORD, roles=["reader"])

    result = run(
        replace(superuser, elasticsearch_username="reader", elasticsearch_password=PASSWORD), "check"
    )

    [failed] = [line for line in result.stdout.splitlines() if line.startswith("failed")]
    assert 1 == result.exit_code
    assert failed.startswith("failed  privileges      reader lacks index on counters, delete on counters, ")
    assert "--service-user" in failed


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"elasticsearch_password": WRONG}, "ELASTICSEARCH_PASSWORD"),
        ({"elasticsearch_username": None, "elasticsearch_password": None}, "ELASTICSEARCH_API_KEY"),
        ({"elasticsearch_ca_certs": None}, "ELASTICSEARCH_CA_CERTS"),
    ],
    ids=["password", "nobody", "ca"],
)
def test_check_says_why_it_is_not_let_in(as_user: Settings, wrong: Any, advice: str) -> None:
    """It names the setting, and not what stands in it."""
    result = run(replace(as_user, **wrong), "check")

    [failed] = [line for line in result.stdout.splitlines() if line.startswith("failed")]
    assert 1 == result.exit_code
    assert advice in failed
    for secret in (WRONG, PASSWORD):
        assert secret not in result.output


def test_an_export_without_privileges_is_refused(superuser: Settings, administrator: Elasticsearch) -> None:
    """Who can neither refresh nor write might miss what has just been counted, and gets no export."""
    administrator.security.put_role(name="onlooker", indices=[{"names": [ALIAS], "privileges": ["read"]}])
    administrator.security.put_user(username="onlooker", password=PASSWORD, roles=["onlooker"])

    result = run(
        replace(superuser, elasticsearch_username="onlooker", elasticsearch_password=PASSWORD), "export", "-"
    )

    assert (1, "") == (result.exit_code, result.stdout)
    assert "Error: Elasticsearch refused the request." in result.stderr


def test_a_key_that_could_not_be_made_leaves_no_file(as_api_key: Settings, tmp_path: Path) -> None:
    """Who may not make one is told so, in a sentence."""
    result = run(as_api_key, "init", "--api-key", "another", "--api-key-file", str(tmp_path / "key"))

    assert 1 == result.exit_code
    assert "Error: Elasticsearch refused the request." in result.stderr
    assert [] == [*tmp_path.iterdir()]


def test_the_sweep_is_allowed(
    http: FlaskClient, own_client: Elasticsearch, superuser: Settings, counter_id: str
) -> None:
    """What a deleted counter leaves can be removed with the least privileges."""
    http.post(f"/scripted/{counter_id}", headers={"Idempotency-Key": uuid7()})
    http.delete(f"/counters/{counter_id}")
    with connect(superuser) as client:
        client.indices.refresh(index=ALIAS)

    removed = remove_tombstones(own_client, ALIAS, deleted_before=time.time() + 3600)

    assert removed >= 1
    assert not own_client.exists(index=ALIAS, id=counter_id)


def test_everything_else_is_refused(own_client: Elasticsearch) -> None:
    """Who gets hold of the service's secret cannot delete the index, make another, or look around."""
    with pytest.raises(AuthorizationException):
        own_client.indices.delete(index=index_name(ALIAS))
    with pytest.raises(AuthorizationException):
        own_client.indices.create(index="other")
    with pytest.raises(AuthorizationException):
        own_client.index(index="other", document={})
    with pytest.raises(AuthorizationException):
        own_client.indices.put_settings(index=ALIAS, settings={"translog.durability": "async"})
    with pytest.raises(AuthorizationException):
        own_client.cluster.health()
    with pytest.raises(AuthorizationException):
        own_client.security.get_user()


@pytest.mark.parametrize("wrong", ["password", "api_key", "ca"])
def test_who_is_not_let_in_says_nothing_of_why(
    as_user: Settings, as_api_key: Settings, wrong: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong secret or an unknown CA is a 503 not-applied, without the secret or the address in answer or log."""
    settings = {
        "password": replace(as_user, elasticsearch_password=WRONG),
        "api_key": replace(as_api_key, elasticsearch_api_key="d3JvbmcwOndyMG5n"),
        "ca": replace(as_user, elasticsearch_ca_certs=None),
    }[wrong]
    http = create_app(settings).test_client()

    answers = [http.post("/occ/c"), http.post("/scripted/c"), http.get("/readyz")]

    assert [(503, "not-applied")] * 3 == [
        (answer.status_code, answer.get_json()["outcome"]) for answer in answers
    ]
    told = json.dumps([answer.get_json() for answer in answers])
    for secret in (WRONG, "d3Jv", PASSWORD, "127.0.0.1"):
        assert secret not in told
    for secret in (WRONG, "d3Jv", PASSWORD):
        assert secret not in caplog.text


@pytest.fixture(scope="module")
def administrator(superuser: Settings) -> Iterator[Elasticsearch]:
    """An Elasticsearch client that may do everything."""
    with connect(superuser) as client:
        yield client


@pytest.fixture(params=["user", "api_key"])
def identity(
    request: pytest.FixtureRequest, superuser: Settings, administrator: Elasticsearch, tmp_path: Path
) -> Identity:
    """A user or an API key for one test, with the least privileges."""
    common = {
        "ELASTICSEARCH_URL": ",".join(superuser.elasticsearch_url),
        "ELASTICSEARCH_CA_CERTS": str(superuser.elasticsearch_ca_certs),
    }
    security = administrator.security
    if request.param == "user":
        password = "p4ssw0rd-of-a-user-who-will-be-gone"  # noqa: S105 - of a node that lives for this test
        create_service_user(administrator, ALIAS, username="gone", password=password)
        (tmp_path / "password").write_text(password)
        named = {"ELASTICSEARCH_USERNAME": "gone", "ELASTICSEARCH_PASSWORD_FILE": str(tmp_path / "password")}
        sent = base64.b64encode(f"gone:{password}".encode()).decode()
        return Identity({**common, **named}, (password, sent), lambda: security.delete_user(username="gone"))
    key = security.create_api_key(name="gone", role_descriptors={"counters": role_descriptor(ALIAS)})
    (tmp_path / "key").write_text(key["encoded"])
    return Identity(
        {**common, "ELASTICSEARCH_API_KEY_FILE": str(tmp_path / "key")},
        (key["encoded"], key["api_key"]),
        lambda: security.invalidate_api_key(ids=[key["id"]]),
    )


def test_a_service_that_is_disowned_says_so_and_no_more(
    identity: Identity, administrator: Elasticsearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user or key that is taken away while the service runs is a 503 not-applied, and nothing secret is seen.

    Neither what the service says to Elasticsearch nor what callers say to it, right or wrong, stands in any answer
    or in any line of the log, however much is logged; nor does the address of Elasticsearch in an answer.
    """
    for name in ("USERNAME", "PASSWORD", "API_KEY", "CA_CERTS"):
        monkeypatch.delenv(f"ELASTICSEARCH_{name}", raising=False)
    secret, token = make_token("us", frozenset(Scope))
    (tmp_path / "tokens").write_text(token.as_line())
    environment = {
        **identity.environment,
        "COUNTERS_ALIAS": ALIAS,
        "ACCESS_TOKENS_FILE": str(tmp_path / "tokens"),
        "LOG_LEVEL": "DEBUG",
    }

    with serving(environment, log=tmp_path / "log") as service, Api(service.url) as api:
        api.headers["Authorization"] = f"Bearer {secret}"
        allowed = [api.request(method, path, json=body) for method, path, body in CALLS]
        api.put("/counters/c", json={"value": 7})
        identity.revoke()
        disowned = [api.request(method, path, json=body) for method, path, body in CALLS]
        with Wire(service.url) as wire:
            strangers = [
                wire.ask("/occ/c", f"Authorization: {authorization}")
                for authorization in (f"Bearer {secret[:-1]}", f"Bearer {secret} {secret}", f"Basic {secret}")
            ]
    log = service.log.read_text()

    assert {200, 204} == {answer.status_code for answer in allowed}
    for answer in disowned:
        # A list is answered item by item.
        results = answer.json().get("results") or [problem_in(answer, 503, "unavailable")]
        for problem in results:
            check(problem)
            assert ("/problems/unavailable", "not-applied") == (problem["type"], problem["outcome"])
    assert [401] * 3 == [answer.status_code for answer in strangers]
    assert 7 == administrator.get(index=ALIAS, id="c")["_source"]["value"]
    answers: list[Answer] = [*allowed, *disowned, *strangers]
    told = "".join(f"{answer.headers}{answer.text}" for answer in answers)
    for hidden in (*identity.secrets, secret[:-1], token.sha256.hex()):
        assert hidden not in told
        assert hidden not in log
    assert "Elasticsearch answered 401: security_exception" in log
    assert '"user.name":"us"' in log

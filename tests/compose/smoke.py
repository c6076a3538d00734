"""The smoke test of Dockerfile and docker-compose.yml, in a real Docker engine: ``pytest tests/compose/smoke.py``.

Its name keeps it out of an ordinary test run, because it needs that engine. PYTHON_VERSION chooses the base image.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.access import Scope, make_token, parse_tokens
from service.strategies import STRATEGIES
from tests.api import Api
from tests.compose.stack import Stack, StackError

# The first test waits for the build.
pytestmark = pytest.mark.timeout(900)

HARDENED = ("service", "init", "setup", "loadtest")

OLD, OLD_LINE = make_token("load", frozenset({Scope.ADMIN}))
NEW, NEW_LINE = make_token("load", frozenset({Scope.ADMIN}))

FORBIDDEN = """
from elasticsearch import ApiError
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import index_name

settings = Settings.from_env()
client = connect(settings)
for attempt in (
    lambda: client.indices.delete(index=index_name(settings.counters_alias)),
    lambda: client.indices.create(index="another"),
    lambda: client.index(index="another", document={}),
    lambda: client.security.get_user(),
):
    try:
        print(attempt())
    except ApiError as error:
        print(error.meta.status)
"""

CUT_SHORT = """
echo cut >/for-service/service.password.new
chmod 400 /for-service/service.password.new
chown 10001:10001 /for-service/service.password.new
"""


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_counts_through_every_endpoint(api: Api, counter_id: str, strategy: str) -> None:
    """A strategy's single and list increments are applied, and read back."""
    one = api.post(f"/{strategy}/{counter_id}", json={"by": 2})
    many = api.post(
        f"/{strategy}", json={"increments": [{"id": counter_id, "by": 3}, {"id": f"{counter_id}-b"}]}
    )

    assert (200, 2) == (one.status_code, one.json()["value"])
    assert (200, [5, 1]) == (many.status_code, [result["value"] for result in many.json()["results"]])
    assert (5, 1) == (api.value_of(counter_id), api.value_of(f"{counter_id}-b"))


def test_load_test_reports_that_the_counters_hold(stack: Stack, tmp_path: Path) -> None:
    """The load test of the compose file ends with exit code 0 and its verdict, and its report can be kept."""
    kept = ("--volume", f"{tmp_path}:/report", "--user", f"{os.getuid()}:{os.getgid()}")
    said = _load_test(stack, "--users", "4", "--increments", "10", kept=kept)

    assert "Verdict: holds." in said
    assert {"history.jsonl", "index.html", "locust.html", "verdict.json"} == {
        file.name for file in tmp_path.iterdir()
    }


def test_load_test_fails_without_a_verdict(stack: Stack) -> None:
    """A load test that doesn't reach the service has another exit code than 0."""
    with pytest.raises(StackError, match="No verdict"):
        _load_test(stack, "--host", "http://service:1", "--strategy", "occ")


@pytest.fixture
def tokens(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with the old token, which the service is told of for as long as the test lasts."""
    file = tmp_path / "tokens"
    file.write_text(OLD_LINE.as_line())
    file.chmod(0o644)
    monkeypatch.setenv("ACCESS_TOKENS_FILE", str(file))
    stack.up()
    yield file
    monkeypatch.delenv("ACCESS_TOKENS_FILE")
    stack.up()


def test_asks_for_a_token_where_it_is_told_of_any(stack: Stack, tokens: Path) -> None:
    """With a file of tokens the container is healthy, and lets in who has one; a SIGHUP has it read the file anew."""
    before = _statuses(stack)
    tokens.write_text(NEW_LINE.as_line())
    stack.compose("kill", "--signal", "HUP", "service")
    deadline = time.monotonic() + 60
    while (after := _statuses(stack)) != (401, 401, 200):
        assert time.monotonic() < deadline, after
        time.sleep(0.1)

    assert (401, 200, 401) == before


def test_load_test_takes_a_token(stack: Stack, tokens: Path, tmp_path: Path) -> None:
    """The load test's container takes a token from a file, and has no verdict without."""
    secret, report = tmp_path / "secret", tmp_path / "report"
    secret.write_text(OLD)
    report.mkdir()
    volumes = ("--volume", f"{secret}:/token:ro", "--volume", f"{report}:/report")
    kept = (*volumes, "--user", f"{os.getuid()}:{os.getgid()}")

    said = _load_test(stack, "--token-file", "/token", "--increments", "3", kept=kept)
    with pytest.raises(StackError, match="No verdict"):
        _load_test(stack, "--strategy", "occ")

    assert "Verdict: holds." in said


def test_image_makes_tokens(stack: Stack) -> None:
    """The image has the command that makes a token, for those who have nothing else of the service's."""
    line = stack.execute("service", "python", "-m", "service", "token", "--name", "a", "--scope", "read")

    assert ["a"] == [token.name for token in parse_tokens(line)]


def test_counters_survive_a_restart_of_elasticsearch(stack: Stack, api: Api, counter_id: str) -> None:
    """After a restart of Elasticsearch the same containers of the service go on where they were."""
    api.post(f"/occ/{counter_id}", json={"by": 41})
    before = stack.inspect("service")

    stack.compose("restart", "elasticsearch")
    stack.await_ready()
    after = stack.inspect("service")

    assert 42 == api.post(f"/scripted/{counter_id}").json()["value"]
    assert before["State"]["StartedAt"] == after["State"]["StartedAt"]
    assert 0 == after["RestartCount"]


def test_requests_in_flight_are_answered_before_the_service_stops(stack: Stack, counter_id: str) -> None:
    """A stop lets a request that a worker has begun end well, and the exit code is 0: nothing was killed."""
    try:
        status, answer = _stop_under_a_request(stack, counter_id)
        state = stack.inspect("service")["State"]
    finally:
        stack.up()

    assert (200, 7) == (status, answer["value"])
    assert ("exited", 0) == (state["Status"], state["ExitCode"])
    assert 7 == Api(stack.url).value_of(counter_id)


def test_docker_waits_longer_than_gunicorn(stack: Stack) -> None:
    """A container is given more time to stop than the service takes at most."""
    service = stack.configuration()["service"]
    at_most = sum(int(service["environment"][name]) for name in ("DRAIN_DELAY", "GRACEFUL_TIMEOUT"))

    assert at_most < int(service["stop_grace_period"].removesuffix("s"))


def test_settings_are_passed_on(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set outside reaches the container, and what is not leaves the service its default."""
    without = stack.configuration()["service"]["environment"]
    monkeypatch.setenv("REQUEST_TIMEOUT", "7")
    given = stack.configuration()["service"]["environment"]

    assert without.get("REQUEST_TIMEOUT") is None
    assert "7" == given["REQUEST_TIMEOUT"]


def test_second_start_keeps_the_counters(stack: Stack, counter_id: str) -> None:
    """What ``down`` leaves is enough for the next ``up``: the counters, and the passwords to reach them."""
    Api(stack.url).put(f"/counters/{counter_id}", json={"value": 2**53 + 1})

    stack.compose("down")
    stack.up()

    assert 2**53 + 1 == Api(stack.url).value_of(counter_id)


def test_the_services_user_may_do_nothing_but_count(stack: Stack) -> None:
    """Elasticsearch refuses the service's user to delete an index, to make one in two ways, and to list users."""
    answers = stack.execute("service", "python", "-", stdin=FORBIDDEN).split()

    assert ["403"] * 4 == answers


def test_superusers_password_is_out_of_the_services_reach(stack: Stack) -> None:
    """The service finds its own password, and nowhere Elasticsearch's."""
    own = stack.execute("service", "cat", "/secrets/service.password")

    assert ["/secrets/service.password"] == _files_with(own, stack)
    assert [] == _files_with(_superusers_password(stack), stack)


def test_passwords_are_neither_logged_nor_configured(stack: Stack) -> None:
    """No password stands in a container's log or in what Docker shows of a container."""
    names = stack.compose("ps", "--all", "--services").split()
    shown = stack.logs() + "".join(json.dumps(stack.inspect(name)) for name in names)
    passwords = (stack.execute("service", "cat", "/secrets/service.password"), _superusers_password(stack))

    assert {"elasticsearch", "init", "service", "setup"} == set(names)
    assert [False, False] == [password.strip() in shown for password in passwords]


def test_service_runs_without_privileges(stack: Stack) -> None:
    """Gunicorn is process 1, and neither root nor able to become it."""
    status = dict(
        line.split(":\t", 1) for line in stack.execute("service", "cat", "/proc/1/status").splitlines()
    )

    assert "gunicorn" == status["Name"]
    assert ["10001"] * 4 == status["Uid"].split()
    assert (0, 0, "1") == (int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"])


def test_service_cannot_write_to_its_image(stack: Stack) -> None:
    """The root file system is read-only."""
    with pytest.raises(StackError, match="Read-only file system"):
        stack.execute("service", "touch", "/app/new.py")


def test_the_command_line_is_in_the_image(stack: Stack) -> None:
    """With the service's own settings, it finds all in order."""
    said = stack.execute("service", "es-counters", "check")

    assert {"ok", "unknown"} == {line.split()[0] for line in said.splitlines()}


def test_service_could_write_nowhere_in_its_image(stack: Stack) -> None:
    """Even if the root file system were not read-only, there is no file and no folder that the user may write to."""
    assert [] == stack.writable("service")


def test_image_has_no_build_tools(stack: Stack) -> None:
    """The final image holds nothing to build or install with."""
    search = "command -v pip pip3 uv cc gcc make git; python -c 'import pip; print(pip)'; true"

    assert "" == stack.execute("service", "sh", "-c", search)


def test_a_start_that_was_cut_short_does_no_harm(stack: Stack) -> None:
    """A file that an earlier start had not finished to hand over is in nobody's way, and doesn't stay."""
    before = stack.execute("service", "cat", "/secrets/service.password")

    stack.compose("run", "--rm", "--no-TTY", "setup", "sh", "-c", CUT_SHORT)
    stack.compose("run", "--rm", "--no-TTY", "setup")

    assert before == stack.execute("service", "cat", "/secrets/service.password")
    assert ["authority.crt", "service.password"] == stack.execute("service", "ls", "/secrets").split()


@pytest.mark.parametrize("name", HARDENED)
def test_the_projects_own_containers_are_hardened(stack: Stack, name: str) -> None:
    """Every container of the project's images has a read-only root file system and next to no capabilities."""
    container = stack.configuration()[name]

    assert container["read_only"]
    assert ["ALL"] == container["cap_drop"]
    assert (["CHOWN"] if name == "setup" else []) == container.get("cap_add", [])
    assert ["no-new-privileges:true"] == container["security_opt"]


def test_elasticsearch_cannot_be_reached_from_outside(stack: Stack) -> None:
    """Elasticsearch is published on no port of the host, and in its network only with TLS."""
    elasticsearch = stack.inspect("elasticsearch")
    ports = elasticsearch["NetworkSettings"]["Ports"]

    assert [] == [published for published in ports.values() if published]
    assert "xpack.security.http.ssl.enabled=true" in elasticsearch["Config"]["Env"]


def _statuses(stack: Stack) -> tuple[int, int, int]:
    """Return what a caller gets without a token, with the old one, and with the new one."""
    with Api(stack.url) as api:
        answers = [
            api.get("/counters", headers={"Authorization": authorization, "Connection": "close"})
            for authorization in ("", f"Bearer {OLD}", f"Bearer {NEW}")
        ]
    nobody, old, new = (answer.status_code for answer in answers)
    return nobody, old, new


def _load_test(stack: Stack, *options: str, kept: tuple[str, ...] = ()) -> str:
    return stack.compose("--profile", "load", "run", "--rm", "--no-TTY", *kept, "loadtest", *options)


def _stop_under_a_request(stack: Stack, counter_id: str) -> tuple[int, dict[str, Any]]:
    """Stop the service while it waits for a request's body, send that, and return the answer."""
    address = urlsplit(stack.url)
    begun = datetime.now(UTC)
    with (
        socket.create_connection((address.hostname, address.port), timeout=60) as caller,
        ThreadPoolExecutor() as operator,
    ):
        head = f"POST /occ/{counter_id} HTTP/1.1", "Host: localhost", "Content-Type: application/json"
        caller.sendall("\r\n".join((*head, "Content-Length: 8", "Expect: 100-continue", "", "")).encode())
        # Gunicorn says so once a worker waits for the body: from here on, the request is in flight.
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == caller.recv(25, socket.MSG_WAITALL)
        stopped = operator.submit(stack.compose, "stop", "service")
        stack.await_log("service", "Handling signal: term", since=begun)
        caller.sendall(b'{"by":7}')
        with HTTPResponse(caller) as response:
            response.begin()
            answer = json.load(response)
        stopped.result()
    return response.status, answer


def _superusers_password(stack: Stack) -> str:
    return stack.execute("elasticsearch", "cat", "config/secrets/superuser.password")


def _files_with(secret: str, stack: Stack) -> list[str]:
    """Search whatever the service's user may read, and the environment of process 1."""
    search = "grep -rslF -D skip -f - --exclude-dir=proc --exclude-dir=sys / /proc/1/environ"
    # Grep's exit code is that of an error wherever there is a file it may not read.
    return stack.execute("service", "sh", "-c", f"{search} || true", stdin=secret.strip()).splitlines()

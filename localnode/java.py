"""The Java that runs a node: the distribution's own, or a full JDK found on the machine."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from localnode.account import Account
from localnode.errors import SourceUnavailableError

_MINIMUM_VERSION = 21
# What Elasticsearch 9.4 loads beyond a plain runtime: a jlinked runtime has neither.
_REQUIRED_MODULES = ("jdk.incubator.vector", "jdk.jlink")
_BUNDLED = ("jdk/bin/java", "jdk.app/Contents/Home/bin/java")
_SYSTEM_FOLDERS = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines", "/opt/java", "/usr/java")
_MACOS_JAVA_HOME = Path("/usr/libexec/java_home")


@dataclass(frozen=True, slots=True)
class Java:
    """A Java binary that can run Elasticsearch, and what Elasticsearch calls its kind."""

    binary: Path
    kind: str


def find(home: Path, account: Account, environ: Mapping[str, str] = os.environ) -> Java:
    """Return the Java to run the distribution in `home` with.

    Raises:
        SourceUnavailableError: There is none; the message says what to install.
    """
    for path in _BUNDLED:
        if (home / path).is_file():
            return Java(home / path, "bundled JDK")
    return Java(find_jdk(account, environ), "ES_JAVA_HOME")


def find_jdk(account: Account, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the `java` of the first full JDK of at least version 21 that the account may run.

    Looked for in ES_JAVA_HOME, JAVA_HOME, on the PATH and in the system's usual folders.

    Raises:
        SourceUnavailableError: There is none; the message says what was seen and what to install.
    """
    refused: dict[Path, str] = {}
    for binary in _candidates(environ):
        resolved = binary.resolve()
        if resolved in refused or not _may_exist(resolved):
            continue
        objection = _objection(resolved, account)
        if objection is None:
            return resolved
        refused[resolved] = objection
    seen = "".join(f" {path} was refused: {why}." for path, why in refused.items())
    raise SourceUnavailableError(
        f"No JDK of version {_MINIMUM_VERSION} or newer was found.{seen} Install a full JDK (for example "
        f"Temurin 25 from https://adoptium.net, not a JRE) or set ES_JAVA_HOME to one."
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    for variable in ("ES_JAVA_HOME", "JAVA_HOME"):
        if environ.get(variable):
            yield Path(environ[variable], "bin", "java")
    on_path = shutil.which("java", path=environ.get("PATH", os.defpath))
    # Apple's /usr/bin/java is a placeholder that opens a dialogue where no Java is installed.
    if on_path and not (_MACOS_JAVA_HOME.exists() and on_path == "/usr/bin/java"):
        yield Path(on_path)
    if _MACOS_JAVA_HOME.exists():
        answer = subprocess.run(
            [_MACOS_JAVA_HOME, "-v", f"{_MINIMUM_VERSION}+"], capture_output=True, text=True, check=False
        )
        if answer.returncode == 0:
            yield Path(answer.stdout.strip(), "bin", "java")
    for folder in map(Path, _SYSTEM_FOLDERS):
        # Newest name first: nothing hangs on it but which of two good ones is taken.
        yield from sorted(folder.glob("*/bin/java"), reverse=True)
        yield from sorted(folder.glob("*/Contents/Home/bin/java"), reverse=True)


def _may_exist(binary: Path) -> bool:
    try:
        return binary.is_file()
    except PermissionError:  # in a folder closed to us, which is an objection to be told
        return True


def _objection(binary: Path, account: Account) -> str | None:
    if not account.can_reach(binary):
        return f"it cannot be reached by user {account.uid}, whom the node runs as"
    answer = subprocess.run([binary, "--list-modules"], capture_output=True, text=True, check=False)
    version = re.search(r"^java\.base@(\d+)", answer.stdout, re.MULTILINE)
    if version is None:
        return "it is no JDK of version 9 or newer"
    if int(version[1]) < _MINIMUM_VERSION:
        return f"it is version {version[1]}"
    present = {line.partition("@")[0] for line in answer.stdout.splitlines()}
    missing = [name for name in _REQUIRED_MODULES if name not in present]
    return f"it is no full JDK (it lacks {' and '.join(missing)})" if missing else None

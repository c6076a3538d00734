"""Starts the process that starts a node's JVM, on record before it does anything."""

import os
import subprocess
from pathlib import Path

from localnode import recorded
from localnode.account import Account
from localnode.distribution import Distribution
from localnode.records import NodeFiles


def launch(distribution: Distribution, files: NodeFiles, account: Account) -> subprocess.Popen[bytes]:
    """Start the launcher of the node that `files` describes, as `account`; return at once."""
    switched = account.switched
    with files.log.open("ab") as log:
        return recorded.start(
            _command(distribution, files),
            files.launcher,
            stdout=log,
            stderr=log,
            env=_environment(distribution, files),
            cwd=distribution.home,  # where the launcher looks for `modules`
            # Out of reach of Ctrl-C: the command must end first, while the node still serves it.
            start_new_session=True,
            user=account.uid if switched else None,
            group=account.gid if switched else None,
            extra_groups=[] if switched else None,
        )


def _command(distribution: Distribution, files: NodeFiles) -> list[str]:
    arguments = ["-p", str(files.pid)]
    libraries = distribution.home / "lib" / "tools" / "server-launcher"
    if not libraries.is_dir():
        return [str(distribution.home / "bin" / "elasticsearch"), *arguments]
    # What bin/elasticsearch does since 9.4, but without its native launcher, which not every copy has for every CPU.
    return [
        str(distribution.java.binary),
        *("-Xms4m", "-Xmx64m", "-XX:+UseSerialGC"),
        *("-cp", f"{libraries}/*"),
        "org.elasticsearch.server.launcher.ServerLauncher",
        *arguments,
    ]


def _environment(distribution: Distribution, files: NodeFiles) -> dict[str, str]:
    """Return the launcher's whole environment: a shell's ES_JAVA_OPTS or JAVA_TOOL_OPTIONS are not meant for it."""
    java = distribution.java
    temporary: Path = files.own / "tmp"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "JAVA": str(java.binary),
        "JAVA_TYPE": java.kind,
        "ES_JAVA_HOME": str(java.binary.parent.parent),
        "ES_HOME": str(distribution.home),
        "ES_PATH_CONF": str(files.config),
        "ES_DISTRIBUTION_TYPE": "tar",
        "ES_TMPDIR": str(temporary),
        "CLI_JAVA_OPTS": f"-Djava.io.tmpdir={temporary}",  # a JVM that the launcher starts leaves files there
    }

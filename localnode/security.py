"""What a secured cluster needs: a CA, a certificate, and a password for its superuser.

Made once for a data folder and kept there, with Elasticsearch's own tools, which every distribution brings.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from localnode.distribution import Distribution
from localnode.errors import LocalNodeError

_USERNAME = "elastic"  # Elasticsearch's built-in superuser
_DAYS = "3650"
_CERTUTIL_LIBRARIES = "modules/x-pack-core,modules/x-pack-security,lib/tools/security-cli"
_KEYSTORE = "elasticsearch.keystore"
_PASSWORD = "password"  # noqa: S105 - the name of the file that holds it
_CONFIGURED = ("ca.crt", "node.crt", "node.key", _KEYSTORE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to reach a secured cluster, and what makes its nodes part of it.

    Attributes:
        username: The superuser's name.
        password: Its password.
        ca_certs: The certificate to trust, in PEM.
    """

    username: str
    password: str
    ca_certs: Path

    def install(self, config: Path) -> None:
        """Copy certificate, key and keystore into a node's configuration."""
        for name in _CONFIGURED:
            shutil.copyfile(self.ca_certs.parent / name, config / name)


def prepare(folder: Path, distribution: Distribution) -> Credentials:
    """Return the credentials of the cluster in `folder`, made now if it has none.

    They are kept in `folder`/security, closed to other users, the password in a file of mode 600.

    Raises:
        LocalNodeError: Elasticsearch's tools failed; the message holds what they said.
    """
    kept = folder / "security"
    if not kept.is_dir():
        with tempfile.TemporaryDirectory(dir=folder) as made:
            _make(Path(made), distribution)
            (Path(made) / "kept").rename(kept)
    return Credentials(_USERNAME, (kept / _PASSWORD).read_text(), kept / "ca.crt")


def _make(folder: Path, distribution: Distribution) -> None:
    kept = folder / "kept"
    kept.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    descriptor = os.open(kept / _PASSWORD, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)
    _certutil(folder, distribution, "ca")
    authority = ["--ca-cert", str(folder / "ca" / "ca.crt"), "--ca-key", str(folder / "ca" / "ca.key")]
    _certutil(
        folder, distribution, "cert", *authority, "--name", "node", "--ip", "127.0.0.1", "--dns", "localhost"
    )
    # The authority's key goes with the temporary folder: nothing else can ever be signed with it.
    for source in ("ca/ca.crt", "node/node.crt", "node/node.key"):
        shutil.move(folder / source, kept)
    # The password that the superuser has until someone changes it through the API.
    _tool(
        distribution,
        kept,
        ("keystore", "elasticsearch-keystore", "lib/tools/keystore-cli"),
        ["add", "--stdin", "--force", "bootstrap.password"],
        stdin=password,
    )


def _certutil(folder: Path, distribution: Distribution, *arguments: str) -> None:
    archive = folder / f"{arguments[0]}.zip"
    _tool(
        distribution,
        distribution.home / "config",
        ("certutil", "elasticsearch-certutil", _CERTUTIL_LIBRARIES),
        [*arguments, "--silent", "--pem", "--days", _DAYS, "--out", str(archive)],
    )
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)


def _tool(
    distribution: Distribution,
    config: Path,
    tool: tuple[str, str, str],
    arguments: list[str],
    stdin: str = "",
) -> None:
    """Run a command line tool of Elasticsearch the way its script does; not every copy has the scripts."""
    home = distribution.home
    name, script, libraries = tool
    command = [
        str(distribution.java.binary),
        f"-Dcli.name={name}",
        f"-Dcli.script={script}",
        f"-Dcli.libs={libraries}",
        f"-Des.path.home={home}",
        f"-Des.path.conf={config}",
        "-Des.distribution.type=tar",
        "-cp",
        f"{home}/lib/*:{home}/lib/cli-launcher/*",
        "org.elasticsearch.launcher.CliToolLauncher",
        *arguments,
    ]
    answer = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=home, check=False)
    if answer.returncode != 0:
        said = (answer.stderr or answer.stdout).strip()
        raise LocalNodeError(f"{script} {arguments[0]} failed (exit code {answer.returncode}): {said}")

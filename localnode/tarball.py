"""The first source: Elastic's own archive, which brings its own JDK."""

import os
import platform
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from localnode.account import Account
from localnode.download import download, read_checksum
from localnode.errors import SourceUnavailableError
from localnode.progress import say
from localnode.version import VERSION

_OFFICIAL = "https://artifacts.elastic.co/downloads/elasticsearch"
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


def fetch(staging: Path, _account: Account, environ: Mapping[str, str] = os.environ) -> Path:
    """Download the archive into `staging`, check it, and return the Elasticsearch unpacked from it.

    LOCALNODE_DOWNLOAD_URL names another place that holds the same files (a mirror inside a company, say).

    Raises:
        SourceUnavailableError: It cannot be had whole, or is not what its checksum says.
    """
    url = f"{environ.get('LOCALNODE_DOWNLOAD_URL', _OFFICIAL).rstrip('/')}/{archive_name()}"
    expected = read_checksum(f"{url}.sha512")
    archive = staging / "elasticsearch.tar.gz"
    download(url, archive, sha512=expected, label=f"Downloading Elasticsearch {VERSION}")
    say("Unpacking Elasticsearch.")
    home = _unpack(archive, staging)
    archive.unlink()
    return home


def archive_name(system: str = sys.platform, machine: str | None = None) -> str:
    """Return the archive's name for a system and a machine, by default this one.

    Raises:
        SourceUnavailableError: Elastic publishes none for it.
    """
    machine = machine or platform.machine()
    architecture = _ARCHITECTURES.get(machine.lower())
    if system not in ("linux", "darwin") or architecture is None:
        raise SourceUnavailableError(f"Elastic publishes no archive for {system} on {machine}.")
    return f"elasticsearch-{VERSION}-{system}-{architecture}.tar.gz"


def _unpack(archive: Path, staging: Path) -> Path:
    try:
        with tarfile.open(archive) as content:
            # Python has filters since 3.11.4. The checksum vouches for the archive in any case.
            content.extraction_filter = getattr(tarfile, "data_filter", None)
            content.extractall(staging / "unpacked")  # noqa: S202 - filtered, see above
    except (tarfile.TarError, EOFError) as error:
        raise SourceUnavailableError(f"The archive cannot be unpacked ({error}).") from error
    home = staging / "unpacked" / f"elasticsearch-{VERSION}"
    if not home.is_dir():
        raise SourceUnavailableError(f"The archive holds no folder elasticsearch-{VERSION}.")
    return home

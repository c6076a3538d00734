"""The cache: one prepared distribution, whole or not there at all."""

import contextlib
import errno
import fcntl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localnode import folders, places
from localnode.errors import LocalNodeError
from localnode.progress import say
from localnode.version import VERSION

_STAGING = "staging-"


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder that holds `elasticsearch-<version>`, once it has been fetched whole."""

    folder: Path

    @property
    def home(self) -> Path | None:
        """The prepared distribution, or None. It came by a rename, so that its presence proves it whole."""
        home = self.folder / f"elasticsearch-{VERSION}"
        return home if home.is_dir() else None

    @contextlib.contextmanager
    def filling(self) -> Iterator[Path]:
        """Hold the cache's lock and give a staging folder on the same file system.

        Two runs at once fetch once: the second waits here. What a killed run left staged is ended and removed,
        unless its guardian is just doing that.

        Raises:
            LocalNodeError: The folder cannot be written, or its file system is full.
        """
        try:
            places.make_passable(self.folder)
            with (self.folder / "lock").open("w") as lock:
                _lock(lock.fileno(), self.folder)
                for stale in self.folder.glob(f"{_STAGING}*"):
                    folders.clear_up(stale)
                with tempfile.TemporaryDirectory(prefix=_STAGING, dir=self.folder) as staging:
                    yield Path(staging)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise LocalNodeError(
                    f"The disk that holds {self.folder} is full: free about 2.5 GB there, or set "
                    f"LOCALNODE_CACHE to a folder on another disk."
                ) from error
            raise LocalNodeError(
                f"{self.folder} cannot be filled ({error}): set LOCALNODE_CACHE to one that you may write to."
            ) from error

    def keep(self, unpacked: Path) -> Path:
        """Move an unpacked distribution from staging to its place, readable to everyone."""
        for path in (unpacked, *unpacked.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                executable = path.is_dir() or mode & 0o100
                path.chmod(mode & 0o777 | (0o755 if executable else 0o644))
        return unpacked.rename(self.folder / f"elasticsearch-{VERSION}")


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"Another run is filling {folder}; waiting for it.")
        fcntl.flock(descriptor, fcntl.LOCK_EX)

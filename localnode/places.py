"""Where things are kept: the cache of distributions, and the data of clusters."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from localnode.account import Account
from localnode.errors import LocalNodeError

_NAME = "es-counters"
_SYSTEM_CACHE = Path("/Library/Caches" if sys.platform == "darwin" else "/var/cache", _NAME)
_DATA = Path(".localnode", "data")


def caches(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the folders to look for a prepared distribution in; the first is the one to fill.

    LOCALNODE_CACHE overrides them all. Root uses the system's cache, because the unprivileged user whom the
    node runs as cannot look into root's home. Anyone else uses their own (`$XDG_CACHE_HOME`, or `~/.cache`),
    and what root has prepared.
    """
    if environ.get("LOCALNODE_CACHE"):
        return (Path(environ["LOCALNODE_CACHE"]).absolute(),)
    if os.geteuid() == 0:
        return (_SYSTEM_CACHE,)
    if environ.get("XDG_CACHE_HOME"):
        return (Path(environ["XDG_CACHE_HOME"], _NAME), _SYSTEM_CACHE)
    home = Path(environ.get("HOME", "/nonexistent"))
    own = home / ".cache" / _NAME if os.access(home, os.W_OK) else temporary() / "cache"
    return (own, _SYSTEM_CACHE)


def default_data_dir(account: Account, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where data stay between runs: `.localnode/data` in the current folder.

    Where root runs this in a folder that the node's own user cannot reach (in root's home, say), the data go
    beside the cache, into a folder named after the current one.
    """
    here = Path.cwd()
    if account.can_reach(here):
        return here / _DATA
    return caches(environ)[0] / "data" / hashlib.sha256(os.fsencode(here)).hexdigest()[:16]


def make_passable(folder: Path) -> None:
    """Make a folder and those above it, each open for the node's user to pass through, whatever the umask is."""
    for path in reversed((folder, *folder.parents)):
        if not path.exists():
            path.mkdir(exist_ok=True)
            path.chmod(0o711)


def temporary() -> Path:
    """Return our own folder in the system's temporary one.

    Raises:
        LocalNodeError: Someone else has made a folder of that name.
    """
    folder = Path(tempfile.gettempdir(), f"{_NAME}-{os.geteuid()}")
    make_passable(folder)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise LocalNodeError(f"{folder} belongs to someone else: remove it, or set TMPDIR to another folder.")
    return folder

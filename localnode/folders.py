"""The folder that a cluster lives in: kept between runs, or gone after one. Either is claimed while it is in use."""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from localnode import places, records
from localnode.claim import Claim
from localnode.errors import LocalNodeError


@contextlib.contextmanager
def kept(folder: Path) -> Iterator[Path]:
    """Claim a folder whose content stays between runs, made now if need be.

    Raises:
        LocalNodeError: Another run uses it, or it belongs to another user.
    """
    try:
        places.make_passable(folder)
        folder.chmod(0o711)
    except PermissionError as error:
        raise LocalNodeError(
            f"{folder} belongs to another user (was this run as root before?): remove it, or choose another "
            f"--data-dir."
        ) from error
    with Claim(folder):
        yield folder


@contextlib.contextmanager
def ephemeral() -> Iterator[Path]:
    """Make and claim a folder that is removed at the end, and clear up those of runs that were killed.

    Raises:
        LocalNodeError: The system's temporary folder cannot be used safely.
    """
    parent = places.temporary() / "ephemeral"
    places.make_passable(parent)
    with contextlib.ExitStack() as stack:
        # Locked until the new folder is claimed, so that nobody takes it for one of a killed run.
        with _locked(parent):
            for stale in parent.glob("cluster-*"):
                clear_up(stale)
            folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=parent))
            folder.chmod(0o711)
            stack.callback(remove, folder)
            stack.enter_context(Claim(folder))
        yield folder


def clear_up(folder: Path) -> None:
    """End what a killed run has left in a folder, and remove that; leave one alone that somebody holds.

    Only for whoever has locked the folder's parent.
    """
    claim = Claim(folder)
    with contextlib.suppress(FileNotFoundError):  # gone in the meantime: so much the better
        if claim.take():
            records.end_all(folder)
            shutil.rmtree(folder, ignore_errors=True)
            claim.release()


def remove(folder: Path) -> None:
    """Remove a folder, at a moment when nobody looks for those of killed runs, and could claim half of it."""
    with contextlib.suppress(FileNotFoundError), _locked(folder.parent):
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(parent: Path) -> Iterator[None]:
    with (parent / "lock").open("w") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
        yield

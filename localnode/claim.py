"""Who may use a cluster's folder: one process at a time, and its guardian after its death."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from localnode.errors import LocalNodeError
from localnode.processes import ProcessId, wait_until
from localnode.progress import say

# The guardian of a killed run holds the folder for as long as it takes to end a service and three nodes.
_GUARDIAN_SECONDS = 120.0


class Claim:
    """The exclusive right to a cluster's folder; the kernel takes it back when its holder dies.

    As a context manager it raises `LocalNodeError` if another run holds the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record = folder / "owner"
        self._lock: int | None = None

    @property
    def owner(self) -> ProcessId | None:
        """Who claimed the folder last, alive or not."""
        return ProcessId.load(self._record)

    def __enter__(self) -> Self:
        if not self._take_unless_in_use():
            # Its owner was killed, and the owner's guardian is ending the nodes right now. Or another run has taken
            # it and not said so yet, which is why the owner is looked at again and again.
            say("Waiting for what a killed run has left to end.")
            if not wait_until(self._take_unless_in_use, timeout=_GUARDIAN_SECONDS):
                raise LocalNodeError(f"{self._folder} is still held by a killed run: try again in a minute.")
        ProcessId.me().save(self._record)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def take(self) -> bool:
        """Take the folder if it is free; return whether it is ours now.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Let go of the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_unless_in_use(self) -> bool:
        if self.take():
            return True
        owner = self.owner
        if owner is not None and owner.alive:
            raise LocalNodeError(
                f"{self._folder} is in use by process {owner.pid}: end that first. (`python -m localnode run` "
                f"may also be given another --data-dir, or --ephemeral.)"
            )
        return False

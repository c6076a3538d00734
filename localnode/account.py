"""Whom a node runs as: Elasticsearch refuses to run as root, so root hands it to an account of its own."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from localnode.errors import LocalNodeError

_CANDIDATES = range(9200, 9300)


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group that a node runs as.

    Attributes:
        uid: The user's number.
        gid: The group's number.
        switched: Whether it is another one than ours, so that files must be given to it.
    """

    uid: int
    gid: int
    switched: bool

    @classmethod
    def current(cls) -> "Account":
        """Return ourselves, or for root a number that nothing else on the machine uses.

        Not `nobody`: other daemons run as that, and could read a node's data and signal it.
        """
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switched=False)
        uid = next((uid for uid in _CANDIDATES if not _is_taken(uid)), None)
        if uid is None:
            raise LocalNodeError(
                f"Elasticsearch cannot run as root, and all user ids from {_CANDIDATES.start} to "
                f"{_CANDIDATES.stop - 1} are taken: run this as another user."
            )
        return cls(uid, uid, switched=True)

    def can_reach(self, path: Path) -> bool:
        """Tell whether the account may enter the folder (or execute the file) `path`, from the root down."""
        if not self.switched:
            return os.access(path, os.X_OK)
        # Asked of the kernel as that user, which knows about access lists and mounts as well.
        answer = subprocess.run(
            ["/bin/sh", "-c", 'test -x "$0"', str(path)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return answer.returncode == 0

    def own(self, folder: Path) -> None:
        """Give `folder` and all that is in it to the account, and close it to others."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.switched:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
        folder.chmod(0o700)


def _is_taken(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True

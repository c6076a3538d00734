"""The guardian: a small process that ends what another has started, should that be killed: nodes, a command, `mvn`.

It reads from a pipe that only its parent holds open. The kernel closes that pipe when the parent dies, in any
way, on Linux and macOS alike. PR_SET_PDEATHSIG would not do: it is sent when the *thread* that started the node
ends, it is cleared when the user id changes, and it exists on Linux only.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from localnode import folders, records
from localnode.claim import Claim
from localnode.processes import ProcessId, wait_until

_ALL_IS_WELL = b"."
_END_THEM = b"!"
_PACKAGE = Path(__file__).resolve().parent
_CLAIM_SECONDS = 60.0


@contextlib.contextmanager
def watching(folder: Path, *, remove: bool) -> Iterator[None]:
    """Have what is on record in a folder ended if we die inside this block, or leave it with something running.

    Args:
        folder: The folder, which we hold a `Claim` on.
        remove: Whether the folder is to be removed as well if we die; otherwise that is up to us.
    """
    me = ProcessId.me()
    command = [sys.executable, "-m", "localnode", "guard", str(folder), str(me.pid), me.started]
    path = os.pathsep.join(filter(None, (str(_PACKAGE.parent), os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(
        [*command, "--remove"] if remove else command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # out of reach of Ctrl-C and of a signal to our group
    ) as process:
        try:
            yield
        finally:
            # Something still runs where its end was interrupted, with a second Ctrl-C say.
            process.communicate(_END_THEM if records.running(folder) else _ALL_IS_WELL)


def guard(folder: Path, parent: ProcessId, *, remove: bool) -> None:
    """Be the guardian: wait for the parent's word or its death, and clear up if need be."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    claim = Claim(folder)
    word = sys.stdin.buffer.read()
    if word == _ALL_IS_WELL:
        return
    if word == _END_THEM:  # the parent waits for us, and does the rest
        records.end_all(folder)
        return
    # The parent has died. A next run may have claimed the folder already: then it has ended our nodes, and those
    # there now are its own.
    taken = wait_until(lambda: claim.owner != parent or claim.take(), timeout=_CLAIM_SECONDS)
    if not taken or claim.owner != parent:
        return
    records.end_all(folder)
    if remove:
        folders.remove(folder)

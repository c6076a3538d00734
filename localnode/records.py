"""What is on disk about the processes of a run, so that anyone can end them, whoever started them."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

from localnode.processes import ProcessId

# Above gunicorn's graceful_timeout of 30 s.
DRAIN_SECONDS = 40.0
_STOP_SECONDS = 30.0
_KILL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """Where a node keeps things, in a folder of its own."""

    folder: Path

    @property
    def own(self) -> Path:
        """What belongs to the account that the node runs as: configuration, data, temporary files."""
        return self.folder / "own"

    @property
    def config(self) -> Path:
        """The node's configuration, written anew at each start."""
        return self.own / "config"

    @property
    def pid(self) -> Path:
        """Where Elasticsearch itself writes the number of its JVM, early in its start."""
        return self.own / "pid"

    @property
    def log(self) -> Path:
        """All that the node and its launcher say."""
        return self.folder / "node.log"

    @property
    def launcher(self) -> Path:
        """The record of the launcher, the parent of the node's JVM."""
        return self.folder / "launcher.process"

    @property
    def jvm(self) -> Path:
        """The record of the node's JVM."""
        return self.folder / "jvm.process"

    def end(self) -> bool:
        """End the node on record, in good order or else by force; return whether there was one.

        SIGTERM to the launcher ends both. The JVM gets it as well, in case its launcher was killed.
        """
        recorded = [ProcessId.load(record) for record in (self.launcher, self.jvm)]
        alive = [process for process in recorded if process is not None and process.alive]
        for process in alive:
            process.send(signal.SIGTERM)
            process.send(signal.SIGCONT)  # a paused process would not act on it
        deadline = time.monotonic() + _STOP_SECONDS
        for process in alive:
            if not process.wait(max(0.0, deadline - time.monotonic())):
                process.send(signal.SIGKILL)
                process.wait(_KILL_SECONDS)
        self.launcher.unlink(missing_ok=True)
        self.jvm.unlink(missing_ok=True)
        return bool(alive)


def command(folder: Path) -> Path:
    """Return the record of what runs for a folder besides nodes: the command that these serve, or `mvn`."""
    return folder / "command.process"


def running(folder: Path) -> bool:
    """Tell whether anything on record in a folder runs."""
    processes = (ProcessId.load(record) for record in (command(folder), *folder.glob("*/*.process")))
    return any(process is not None and process.alive for process in processes)


def end_all(folder: Path) -> bool:
    """End what is on record in a folder: the command first, then the nodes side by side.

    Only for whoever holds the folder's `Claim`.

    Returns:
        Whether there was anything to end.
    """
    record = command(folder)
    leader = ProcessId.load(record)
    drained = leader is not None and leader.alive
    if leader is not None and drained:
        leader.end_group(grace=DRAIN_SECONDS)
    record.unlink(missing_ok=True)
    nodes = [NodeFiles(path.parent) for path in sorted(folder.glob("*/launcher.process"))]
    for node in nodes:
        launcher = ProcessId.load(node.launcher)
        if launcher is not None:
            launcher.send(signal.SIGTERM)
    return any([drained, *[node.end() for node in nodes]])

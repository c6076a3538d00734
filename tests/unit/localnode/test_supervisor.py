"""The command gets its signals once, its terminal, and the last word on the exit code."""

import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from localnode import records
from localnode.account import Account
from localnode.clusters import Cluster
from localnode.distribution import Distribution
from localnode.errors import LocalNodeError
from localnode.java import Java
from localnode.node import Node
from localnode.processes import ProcessId
from localnode.settings import NodeSettings
from localnode.supervisor import NODE_DIED, Signals, run

# Beside pytest-xdist's own threads Python 3.12 and later warn of the fork that `run` makes in a process of one thread.
pytestmark = pytest.mark.filterwarnings("ignore:.*is multi-threaded, use of fork:DeprecationWarning")

# A run beside a cluster of no nodes: what is left is the command.
RUN = """
import sys, tempfile
from pathlib import Path
from localnode.clusters import Cluster
from localnode.supervisor import Signals, run
signals = Signals()
signals.install()
with tempfile.TemporaryDirectory() as folder:
    code = run(sys.argv[1:], Cluster((), None, Path(folder)), signals)
sys.exit(code)
"""
# Tells of each SIGINT, and after SIGTERM how many there were. Neither is lost: both are blocked but while awaited.
COUNT_INTERRUPTS = """
import os, signal
both = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, both)
print("ready", os.getppid(), flush=True)
interrupts = 0
while signal.sigwait(both) == signal.SIGINT:
    interrupts += 1
    print("interrupted", flush=True)
print("interrupts:", interrupts, flush=True)
"""
READ_WORDS = 'echo ready; while read -r word; do echo "heard $word"; done'


def supervised(*command: str) -> list[str]:
    """Return the command line that runs a command under supervision."""
    return [sys.executable, "-c", RUN, *command]


@pytest.mark.parametrize(("command", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_gives_the_exit_code_of_the_command(tmp_path: Path, command: str, code: int) -> None:
    """The command's exit code is ours, and a signal that ended it is told as a shell does."""
    assert code == run(["/bin/sh", "-c", command], Cluster((), None, tmp_path), Signals())


def test_says_that_there_is_no_such_command(tmp_path: Path) -> None:
    """A command that does not exist is named."""
    with pytest.raises(LocalNodeError, match="no-such-command cannot be run"):
        run(["no-such-command"], Cluster((), None, tmp_path), Signals())


@pytest.mark.parametrize(
    ("number", "trapped"),
    [(signal.SIGINT, "INT"), (signal.SIGTERM, "TERM"), (signal.SIGHUP, "TERM")],
    ids=["Ctrl-C", "SIGTERM", "the terminal is gone"],
)
def test_passes_a_signal_on(number: signal.Signals, trapped: str) -> None:
    """A signal to us reaches the command as one that ends it, and its way to end is awaited."""
    script = f"trap 'exit 5' {trapped}; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen(supervised("/bin/sh", "-c", script), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)

        assert 5 == process.wait(30)


def test_ends_what_the_command_leaves_running(tmp_path: Path) -> None:
    """A process that the command has left in the background ends with it."""
    script = f"sleep 300 & echo $! > {tmp_path}/pid"

    run(["/bin/sh", "-c", script], Cluster((), None, tmp_path), Signals())

    left = ProcessId.of(int((tmp_path / "pid").read_text()))
    assert left is None or left.wait(10.0)


class DyingNode(Node):
    """A node that is found dead, in the very moment in which the command ends by itself."""

    def __init__(self, folder: Path) -> None:
        settings = NodeSettings(
            index=0, names=("node-1",), http_port=1, transport_ports=(2,), heap="1m", secure=False
        )
        installed = Distribution(folder, Java(folder / "java", "bundled JDK"))
        super().__init__(
            settings, folder, distribution=installed, account=Account.current(), credentials=None
        )
        self._command = records.command(folder)

    @property
    def running(self) -> bool:
        """End the command, and say that the node does not run."""
        command = ProcessId.load(self._command)
        assert command is not None
        command.send(signal.SIGKILL)
        assert command.wait(10.0)
        return False


def test_tells_of_a_node_that_dies_while_the_command_ends(tmp_path: Path) -> None:
    """Where node and command end at once, it is the node's death that is told."""
    node = DyingNode(tmp_path)

    assert NODE_DIED == run(["/bin/sleep", "300"], Cluster((node,), None, tmp_path), Signals())


class Console:
    """A pseudo-terminal with a supervised command in its foreground."""

    def __init__(self, command: Sequence[str]) -> None:
        self._terminal = subprocess.Popen(
            [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._shown = ""

    def expect(self, text: str) -> str:
        """Read until the text is shown, and return the rest of its line."""
        assert self._terminal.stdout is not None
        output = self._terminal.stdout.fileno()
        while text not in self._shown or "\n" not in self._shown.partition(text)[2]:
            readable, _, _ = select.select([output], [], [], 30.0)
            read = os.read(output, 4096).decode() if readable else ""
            assert read, f"{text!r} is missing in {self._shown!r}"
            self._shown += read
        rest, _, self._shown = self._shown.partition(text)[2].partition("\n")
        return rest.strip()

    def type(self, text: str) -> None:
        """Press keys."""
        assert self._terminal.stdin is not None
        self._terminal.stdin.write(text.encode())
        self._terminal.stdin.flush()

    def close(self) -> None:
        """Close the window, as its user would."""
        self._terminal.kill()
        self._terminal.communicate()


@pytest.fixture
def console(request: pytest.FixtureRequest) -> Iterator[Console]:
    """A terminal that runs the command which the test names."""
    console = Console(request.param)
    yield console
    console.close()


@pytest.mark.parametrize("console", [supervised(sys.executable, "-c", COUNT_INTERRUPTS)], indirect=True)
def test_lets_ctrl_c_reach_the_command_once(console: Console) -> None:
    """Ctrl-C interrupts the command once, not once from the terminal and once more from us."""
    supervisor = int(console.expect("ready"))
    # Held back until the command has had its one, because two at the same time would count as one.
    os.kill(supervisor, signal.SIGSTOP)
    console.type("\x03")
    console.expect("interrupted")
    # Passed on as a second SIGINT would be, and after that.
    os.kill(supervisor, signal.SIGTERM)
    os.kill(supervisor, signal.SIGCONT)

    assert "1" == console.expect("interrupts:")


@pytest.mark.parametrize("console", [supervised("/bin/sh", "-c", READ_WORDS)], indirect=True)
def test_lends_the_keyboard_to_the_command(console: Console) -> None:
    """The command can read what is typed, as a debugger must."""
    console.expect("ready")
    console.type("hello\n")

    assert "hello" == console.expect("heard")


@pytest.mark.parametrize("console", [("bash", "--norc", "--noediting", "-i")], indirect=True)
def test_stops_and_continues_with_the_command(console: Console) -> None:
    """Ctrl-Z stops us and the command together, and the shell's `fg` brings both and the keyboard back."""
    console.type(f"{shlex.join(supervised('/bin/sh', '-c', READ_WORDS))}\n")
    console.expect("ready\r")
    console.type("once\n")
    console.expect("heard once")
    console.type("\x1a")
    console.expect("Stopped")
    console.type("fg\n")
    console.type("again\n")

    console.expect("heard again")


@pytest.mark.parametrize(
    "console", [supervised("/bin/sh", "-c", "echo ready $$ $PPID; sleep 300")], indirect=True
)
def test_ends_with_its_terminal(console: Console) -> None:
    """A terminal window that is closed takes us and the command with it."""
    processes = [ProcessId.of(int(pid)) for pid in console.expect("ready").split()]

    console.close()

    assert [True, True] == [process is None or process.wait(10.0) for process in processes]

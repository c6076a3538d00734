"""A node of Elasticsearch on a small disk that can be filled, if need be to its last byte.

The disk is a tmpfs of its own. To mount one takes root, or a user namespace; where neither is to be had, as in most
containers, /dev/shm serves if it is small, which it is there.

Run as a program in the namespace where the disk is mounted, it starts the node and prints where that answers. A line
with a number has it fill the disk up to so many bytes, and the next line free it again.
"""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from elasticsearch import Elasticsearch

import localnode
from localnode.processes import wait_until

MOUNT: Final = 'mount -t tmpfs -o size=64m,mode=711 faults "$0" && exec "$@"'
AS_ROOT: Final = ("unshare", "--mount", "--propagation", "private")
AS_OTHER: Final = ("unshare", "--user", "--map-current-user", "--keep-caps", *AS_ROOT[1:])
"""How to get a place to mount something in, as root and as others. (Root would find no account for the node there.)"""

SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - not for temporary files: it is a disk, and may be a small one
SMALL: Final = 256 * 1024 * 1024
"""Bytes up to which a disk may be filled."""

STEP: Final = b"\0" * 4096
POLL: Final = 0.01


class NoSmallDiskError(Exception):
    """This machine lets us have no disk that we could fill."""


class SmallDisk:
    """The node and its disk, as seen from outside.

    Attributes:
        url: Where the node answers.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._read()

    @contextlib.contextmanager
    def filled(self, *, leaving: int = 0) -> Iterator[None]:
        """Keep the disk full while the block lasts, but for so many bytes."""
        self._tell(f"{leaving}")
        try:
            yield
        finally:
            self._tell("")

    def allocate_again(self) -> None:
        """Have Elasticsearch try once more what it has given up, as an operator does who has made space."""
        with Elasticsearch(self.url) as operator:
            patient = operator.options(request_timeout=5, ignore_status=503)

            def is_allocated() -> bool:
                patient.cluster.reroute(retry_failed=True, metric="none")
                return bool(patient.cluster.health(timeout="1s").get("status") in {"green", "yellow"})

            assert wait_until(is_allocated, timeout=60.0)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OSError(f"The node on the small disk has ended with code {self._process.wait()}.")
        return line.strip()


@contextlib.contextmanager
def small_disk(mount_point: Path) -> Iterator[SmallDisk]:
    """Start a node on a small disk, and end it.

    Args:
        mount_point: A folder that the node's account can reach.

    Raises:
        NoSmallDiskError: There is none to be had.
    """
    command, folder = _place(mount_point)
    with contextlib.ExitStack() as stack:
        if not command:
            stack.callback(
                shutil.rmtree, folder, ignore_errors=True
            )  # a disk of our own goes with its namespace
        process = stack.enter_context(_program(command, folder))
        # Its end of input, which comes with the end of the block, is the program's end.
        yield SmallDisk(process)


def _program(command: list[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, sys.executable, "-m", "tests.faults.small_disk", str(folder)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _place(mount_point: Path) -> tuple[list[str], Path]:
    """Return what to run a program with, and the folder that is a small disk to it."""
    command = [*(AS_OTHER if os.geteuid() else AS_ROOT), "sh", "-c", MOUNT, str(mount_point)]
    with contextlib.suppress(FileNotFoundError):  # not every system has unshare
        if subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0:
            return command, mount_point
    if SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).total <= SMALL:
        return [], SHARED_MEMORY / mount_point.name
    raise NoSmallDiskError(
        "A tmpfs can be mounted neither as root nor in a user namespace, and /dev/shm is too large to be filled:"
        " run this as root, or allow user namespaces, or give the container a small /dev/shm."
    )


@contextlib.contextmanager
def _filled(file: Path, *, leaving: int) -> Iterator[None]:
    """Fill the disk but for so many bytes, and take whatever space is freed for as long as the block lasts."""
    over, is_full = threading.Event(), threading.Event()

    def fill() -> None:
        with file.open("wb", buffering=0) as output:
            while not over.is_set():
                try:
                    while shutil.disk_usage(file.parent).free > leaving:
                        output.write(STEP)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                is_full.set()
                over.wait(POLL)

    filler = threading.Thread(target=fill)
    filler.start()
    is_full.wait()
    try:
        yield
    finally:
        over.set()
        filler.join()
        file.unlink()


def main(folder: Path) -> None:
    """Run the node until the input ends."""
    with localnode.cluster(data_dir=folder) as cluster:
        click.echo(cluster.urls[0])
        while line := sys.stdin.readline():
            with _filled(folder / "filler", leaving=int(line)):
                click.echo("full")
                sys.stdin.readline()
            click.echo("free")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

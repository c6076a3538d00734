"""Redis and PostgreSQL as throw-away servers: on loopback, in a folder of the run, ended with it.

A server of the system is never touched. Their settings are the defaults, with durability as the name of the target
says; what a server has in its folder is on the disk that Elasticsearch has its data on.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
import redis

from benchmarks.errors import BenchmarkError
from benchmarks.stores import PostgresStore, RedisStore
from localnode.account import Account
from localnode.ports import choose

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 30.0
POSTGRES_FOLDERS: Final = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/pgsql-*/bin",
)

INSTALL: Final = " (Debian: apt-get install redis-server postgresql; macOS: brew install redis postgresql)."

S = TypeVar("S")


def redis_program() -> str:
    """Return where redis-server is.

    Raises:
        BenchmarkError: It is not installed.
    """
    found = shutil.which("redis-server")
    if found is None:
        raise BenchmarkError(f"redis-server is not installed{INSTALL}")
    return found


def postgres_programs() -> Path:
    """Return the folder that initdb and postgres are in: that on the PATH, or the newest of those that packages use.

    Raises:
        BenchmarkError: They are not installed.
    """
    on_path = shutil.which("initdb")
    packaged = (Path(found) for pattern in POSTGRES_FOLDERS for found in Path("/").glob(pattern[1:]))
    folders = [*([Path(on_path).parent] if on_path else []), *sorted(packaged, key=_version, reverse=True)]
    found = next((folder for folder in folders if (folder / "postgres").exists()), None)
    if found is None:
        raise BenchmarkError(f"PostgreSQL is not installed{INSTALL}")
    return found


def _version(folder: Path) -> int:
    digits = "".join(filter(str.isdigit, folder.parent.name))
    return int(digits or 0)


@contextlib.contextmanager
def redis_server(folder: Path, *, appendfsync: str) -> Iterator[tuple[str, RedisStore]]:
    """Start a Redis that appends every write to a file, and end it.

    Args:
        folder: Where the file is.
        appendfsync: When the file is synced: ``always`` (before the answer) or ``everysec``.

    Yields:
        Its URL, and the store.
    """
    port = choose(1)[0][0]
    url = f"redis://127.0.0.1:{port}/0"
    folder.mkdir()
    arguments = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "save": "",
        "appendonly": "yes",
        "appendfsync": appendfsync,
    }
    command = [redis_program(), *(word for name, value in arguments.items() for word in (f"--{name}", value))]
    with _server(command, log=folder / "server.log", stop=signal.SIGTERM) as process:
        yield url, _patiently(lambda: RedisStore(url, process.pid, folder), redis.RedisError, process)


@contextlib.contextmanager
def postgres_server(folder: Path, *, connections: int) -> Iterator[tuple[str, PostgresStore]]:
    """Make a cluster of databases, start its server, and end it.

    Args:
        folder: Where it is.
        connections: How many it must allow.

    Yields:
        Its URL, and the store.
    """
    programs = postgres_programs()
    account = _postgres_account()
    port = choose(1)[0][0]
    url = f"postgresql://counters@127.0.0.1:{port}/postgres"
    data = folder / "data"
    account.own(folder)
    options: dict[str, Any] = {"cwd": folder}
    if account.switched:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", "counters", "--auth=trust", "--encoding=UTF8", "--no-locale"],
        check=False,
        capture_output=True,
        text=True,
        **options,
    )
    if made.returncode != 0:
        raise BenchmarkError(f"initdb failed: {made.stderr.strip()}")
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": str(connections),
    }
    command = [str(programs / "postgres"), "-D", str(data)]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # SIGINT is what its manual calls a fast shutdown: it does not wait for clients to go.
    with _server(command, log=folder / "server.log", stop=signal.SIGINT, **options) as process:
        yield url, _patiently(lambda: PostgresStore(url, process.pid, data), psycopg.Error, process)


def _postgres_account() -> Account:
    """Return whom PostgreSQL runs as: ourselves, or for root, which it refuses, the account that its package makes.

    Not `Account.current`: initdb looks its user up, and a mere number will not do.
    """
    if os.geteuid() != 0:
        return Account.current()
    try:
        found = pwd.getpwnam("postgres")
    except KeyError:
        raise BenchmarkError(
            "PostgreSQL does not run as root, and there is no user postgres: run this as another user."
        ) from None
    return Account(found.pw_uid, found.pw_gid, switched=True)


@contextlib.contextmanager
def _server(
    command: Sequence[str], *, log: Path, stop: signal.Signals, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(stop)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _patiently(make: Callable[[], S], error: type[Exception], process: subprocess.Popen[bytes]) -> S:
    """Return what ``make`` does once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return make()
        except error as reason:
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkError(f"{process.args!r} did not start: {reason}") from reason
            time.sleep(0.1)

"""What processes take of the machine: CPU time and memory, as the system accounts for them."""

from pathlib import Path

import psutil

from benchmarks.errors import BenchmarkError

IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, in user and system mode, that a process and its descendants have taken so far."""
    total = 0.0
    for process in _tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def workers(pid: int) -> list[int]:
    """Return the process numbers of a gunicorn's workers, given its master's."""
    return sorted(child.pid for child in psutil.Process(pid).children())


def resident_bytes(pid: int) -> dict[int, int]:
    """Return the memory that each worker of a gunicorn has in RAM, shared pages included, by process number."""
    return {worker: psutil.Process(worker).memory_info().rss for worker in workers(pid)}


def _tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def demand_one_disk(folders: dict[str, Path]) -> str:
    """Return the type of the file system that all folders are on.

    Args:
        folders: By whose they are.

    Raises:
        BenchmarkError: They are on several, or in memory, where nothing is durable and to sync costs nothing.
    """
    devices = {folder.stat().st_dev for folder in folders.values()}
    if len(devices) > 1:
        places = ", ".join(f"{name}: {folder}" for name, folder in folders.items())
        raise BenchmarkError(
            f"The stores' data are on different disks ({places}); TMPDIR says where to put them."
        )
    kinds = {_file_system(folder) for folder in folders.values()}
    if kinds & IN_MEMORY:
        raise BenchmarkError(
            f"{next(iter(folders.values()))} is in memory; set TMPDIR to a folder on a disk."
        )
    return kinds.pop()


def _file_system(folder: Path) -> str:
    """Return the type of the file system that is mounted deepest above a folder."""
    resolved = folder.resolve()
    mounts = [
        mount for mount in psutil.disk_partitions(all=True) if resolved.is_relative_to(mount.mountpoint)
    ]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype

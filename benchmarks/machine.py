"""What figures were measured on, and when."""

import datetime as dt
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any, Final

import psutil

from benchmarks.errors import BenchmarkError

CHANGED: Final = "-dirty"
"""What the name of a commit ends with if the checkout was another than that."""


def facts(programs: Iterable[str], *, date: dt.date | None = None) -> dict[str, Any]:
    """Return what is to be known of figures that were measured on this machine, for `sentence`.

    Args:
        programs: What besides this Python, with their versions, as ``"Elasticsearch 9.4.3"``.
        date: When, if not today.
    """
    return {
        "date": (date or dt.datetime.now(dt.UTC).date()).isoformat(),
        "commit": _commit(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": [f"Python {platform.python_version()}", *programs],
    }


def sentence(known: Mapping[str, Any]) -> str:
    """Return `facts` as a sentence without its full stop.

    Among them ``file_system`` may say what the data were on, and ``command`` what measures the same again.
    """
    commit = f" at commit {known['commit']}" if known.get("commit") else ""
    disk = f", data on {known['file_system']}" if "file_system" in known else ""
    command = f" by `{known['command']}`" if "command" in known else ""
    return (
        f"Measured {known['date']}{command}{commit} on {known['cores']} cores and {known['memory_gib']} GiB"
        f" ({known['system']}{disk}) with {', '.join(known['versions'])}"
    )


def demand_commit(known: Mapping[str, Any]) -> None:
    """Refuse `facts` of code that is not committed: nobody else could measure it.

    Raises:
        BenchmarkError: That is so.
    """
    if not known["commit"] or known["commit"].endswith(CHANGED):
        raise BenchmarkError(
            f"Figures of {known['commit'] or 'no commit'} are not for the documentation: commit first, then measure."
        )


def _commit() -> str | None:
    """Return what was measured, with a mark if it was changed since; None where that is not known."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "describe", "--always", f"--dirty={CHANGED}"]
    described = subprocess.run(command, capture_output=True, text=True, check=False)
    return described.stdout.strip() or None

"""What figures were measured on, and when."""

import datetime as dt
import os
import platform
from collections.abc import Iterable, Mapping
from typing import Any

import psutil


def facts(date: dt.date, programs: Iterable[str]) -> dict[str, Any]:
    """Return what is to be known of figures that were measured on this machine, for `sentence`.

    Args:
        date: When.
        programs: What besides this Python, with their versions, as ``"Elasticsearch 9.4.3"``.
    """
    return {
        "date": date.isoformat(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": [f"Python {platform.python_version()}", *programs],
    }


def sentence(known: Mapping[str, Any]) -> str:
    """Return `facts` as a sentence without its full stop; ``file_system`` among them says what the data were on."""
    disk = f", data on {known['file_system']}" if "file_system" in known else ""
    return (
        f"Measured {known['date']} on {known['cores']} cores and {known['memory_gib']} GiB ({known['system']}{disk})"
        f" with {', '.join(known['versions'])}"
    )

"""What figures were measured on, and when."""

import datetime as dt
import os
import platform

import psutil


def described(date: dt.date, *versions: str) -> str:
    """Return in a sentence when figures were measured, on this machine, with this Python and so many other programs.

    Args:
        date: When.
        versions: The other programs with their versions, as ``"Elasticsearch 9.4.3"``.
    """
    gib = round(psutil.virtual_memory().total / 2**30)
    system = f"{platform.system()} {platform.machine()}"
    programs = ", ".join([f"Python {platform.python_version()}", *versions])
    return f"Measured {date.isoformat()} on {os.cpu_count()} cores and {gib} GiB ({system}) with {programs}."

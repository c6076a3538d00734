"""The clock that says which of two increments came first.

``time.monotonic`` is system-wide (https://docs.python.org/3/library/time.html#time.monotonic), and so all the
processes of a machine read the same clock. No two machines do, whatever keeps their time of day together: its
error may exceed the milliseconds between an answer and the next request, and would turn concurrent increments
into contradictions. So a reading goes with its clock's name, and only readings of one clock are compared.
"""

import secrets
from functools import cache
from hashlib import sha256
from pathlib import Path
from time import monotonic_ns

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/time")
"""Containers may have a monotonic clock of their own: time_namespaces(7)."""


def now() -> int:
    """Nanoseconds since some moment in this clock's past."""
    return monotonic_ns()


@cache
def name() -> str:
    """Name this process's clock: 8 hexadecimal digits, the same in all processes that share it.

    Where Linux doesn't tell which boot of which machine this is, each process passes for a machine of its
    own: less can be compared, and nothing wrongly.
    """
    try:
        machine = f"{BOOT.read_text()} {NAMESPACE.readlink()}"
    except OSError:
        return secrets.token_hex(4)
    return sha256(machine.encode()).hexdigest()[:8]

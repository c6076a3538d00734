"""How a listener is closed without resetting a connection.

A client's connection is made by the kernel, and then waits for somebody to accept it; a listener that is closed resets
those that wait. Between the last accept and the close another can come. So the kernel is first told to ignore requests
for new connections, by a packet filter on the listener alone; it still completes those it has answered. Once they are
accepted, nothing is lost by closing. Who was ignored asks again a second later, as TCP does, and is refused.

Source: socket(7), SO_ATTACH_FILTER, and https://docs.kernel.org/networking/filter.html. Linux only: elsewhere the gap
remains, some microseconds wide.
"""

import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import Iterable
from typing import Any, Final

SO_ATTACH_FILTER: Final = 26
SO_DETACH_FILTER: Final = 27
"""From asm-generic/socket.h; Python does not have them."""

INSTRUCTIONS: Final = (
    (0x30, 0, 0, 13),  # load the byte of the TCP header that has the flags
    (0x54, 0, 0, 0x12),  # of these, SYN and ACK
    (0x15, 0, 1, 0x02),  # if SYN alone, somebody asks for a connection:
    (0x06, 0, 0, 0),  # drop the packet
    (0x06, 0, 0, 0xFFFFFFFF),  # otherwise keep all of it
)
"""A program for the classic Berkeley packet filter: operation, jumps if true and if false, operand."""


def let_everybody_in(listeners: Iterable[Any]) -> None:
    """Undo `let_nobody_in`: listeners may be kept by somebody else, from one start of the service to the next."""
    if sys.platform == "linux":
        for listener in listeners:
            with contextlib.suppress(OSError):  # there is none to detach, as a rule
                listener.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def let_nobody_in(listeners: Iterable[Any]) -> None:
    """Have the kernel make no more connections to these listeners, and keep those that it has made."""
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *instruction) for instruction in INSTRUCTIONS)
    )
    attached = struct.pack("HP", len(INSTRUCTIONS), ctypes.addressof(program))
    for listener in listeners:
        if listener.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):  # a sandbox may not know the option
                listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, attached)


def are_its_own(arbiter: Any) -> bool:
    """Say whether the listeners of gunicorn's master end with it, or another process goes on with them.

    Those of systemd outlive it, and after SIGUSR2 an old and a new master share theirs.
    """
    return not (arbiter.systemd or arbiter.reexec_pid or arbiter.master_pid)

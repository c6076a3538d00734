"""Free ports that stay free while a node, or a service, restarts."""

import contextlib
import secrets
import socket

from localnode.errors import LocalNodeError

# Below the ports that Linux (from 32768) and macOS (from 49152) hand to outgoing connections. One of those could
# take a node's port in the moment between its kill and its restart.
_RANGE = range(15_000, 30_000)
_TRIES = 100


def choose(nodes: int, *, first: int = 0) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return HTTP and transport ports for a number of nodes, all of them free a moment ago.

    Args:
        nodes: How many of each.
        first: The first HTTP port, the others being the next numbers; 0 for any.

    Raises:
        LocalNodeError: One that was asked for is taken.
    """
    # All held at once, so that none is chosen twice.
    with contextlib.ExitStack() as held:
        http = [_hold(first + index, held) if first else _hold_any(held) for index in range(nodes)]
        transport = [_hold_any(held) for _ in range(nodes)]
    return tuple(http), tuple(transport)


def choose_one() -> int:
    """Return a port that was free a moment ago, on which something may be ended and started again.

    Raises:
        LocalNodeError: There is none.
    """
    with contextlib.ExitStack() as held:
        return _hold_any(held)


def _hold(port: int, held: contextlib.ExitStack) -> int:
    listener = held.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except (OSError, OverflowError) as error:
        raise LocalNodeError(
            f"Port {port} on 127.0.0.1 cannot be used ({error}): choose another --port."
        ) from error
    return port


def _hold_any(held: contextlib.ExitStack) -> int:
    for _ in range(_TRIES):
        with contextlib.suppress(LocalNodeError):
            return _hold(secrets.choice(_RANGE), held)
    raise LocalNodeError(f"No free port was found on 127.0.0.1 from {_RANGE.start} to {_RANGE.stop - 1}.")

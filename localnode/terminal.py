"""The terminal's foreground, lent to the command, so that it gets Ctrl-C and the keyboard as if run by itself."""

import contextlib
import os
import signal
from collections.abc import Iterator

_STDIN = 0


class Foreground:
    """The terminal's foreground, which belongs to one process group at a time.

    Args:
        group: The process group that it is lent to, if we have a terminal and are in its foreground.
    """

    def __init__(self, group: int) -> None:
        self._group = group
        self._ours = False

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Lend the foreground inside this block."""
        self._ours = _is_foreground(os.getpgrp())
        if self._ours:
            _set_foreground(self._group)
        try:
            yield
        finally:
            if self._ours:
                _set_foreground(os.getpgrp())

    def suspend(self, number: int) -> None:
        """Stop together with the command, which signal `number` has stopped, until the shell continues us."""
        if not self._ours:
            return
        # Stopped for its use of the terminal although that is lent to it: it was faster than the lending.
        premature = number in (signal.SIGTTIN, signal.SIGTTOU) and _is_foreground(self._group)
        if not premature:
            _set_foreground(os.getpgrp())
            os.killpg(os.getpgrp(), signal.SIGTSTP)  # returns when the shell's fg or bg continues us
            if _is_foreground(os.getpgrp()):
                _set_foreground(self._group)
        os.killpg(self._group, signal.SIGCONT)


def _is_foreground(group: int) -> bool:
    try:
        return os.tcgetpgrp(_STDIN) == group
    except OSError:  # no terminal, or not the one that controls us
        return False


def _set_foreground(group: int) -> None:
    # Asking for the foreground from the background sends SIGTTOU, which would stop us.
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        with contextlib.suppress(OSError):  # the terminal was closed
            os.tcsetpgrp(_STDIN, group)
    finally:
        signal.signal(signal.SIGTTOU, before)

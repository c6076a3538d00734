"""Progress on stderr: a bar where a terminal shows it, a line every few seconds where none does."""

import sys
import time
from types import TracebackType
from typing import Literal, Self, TextIO

_BAR_WIDTH = 30
_SECONDS_BETWEEN_REDRAWS = 0.1
_SECONDS_BETWEEN_LINES = 3.0
_SCALES = {"MB": 1_000_000, "s": 1}


def say(message: str) -> None:
    """Write one line to stderr; stdout belongs to the command that is run."""
    sys.stderr.write(f"localnode: {message}\n")
    sys.stderr.flush()


class Progress:
    """How far one step has come; a context manager that clears the bar at its end.

    Args:
        label: What is being done, in a few words.
        total: Where it ends, in bytes or seconds; None where that is unknown.
        unit: What is shown: megabytes of the bytes that `update` is told, or seconds.
        stream: Where it is shown; stderr by default.
    """

    def __init__(
        self,
        label: str,
        total: float | None,
        *,
        unit: Literal["MB", "s"] = "MB",
        stream: TextIO | None = None,
    ) -> None:
        self._label = label
        self._total = total
        self._unit = unit
        self._stream = sys.stderr if stream is None else stream
        self._shown_at = float("-inf")
        self._drawn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            self._redraw("")
            self._stream.write("\r")
            self._stream.flush()

    def update(self, done: float) -> None:
        """Show that `done` of the total is reached, if the last sign of life is old enough."""
        terminal = self._stream.isatty()
        pause = _SECONDS_BETWEEN_REDRAWS if terminal else _SECONDS_BETWEEN_LINES
        if time.monotonic() - self._shown_at < pause:
            return
        self._shown_at = time.monotonic()
        if terminal:
            self._redraw(f"{self._label} {self._bar(done)}{self._amount(done)}")
        else:
            self._stream.write(f"localnode: {self._label}: {self._amount(done)}\n")
        self._stream.flush()

    def _redraw(self, text: str) -> None:
        self._stream.write(f"\r{text.ljust(self._drawn)}")
        self._drawn = len(text)

    def _bar(self, done: float) -> str:
        if not self._total:
            return ""
        filled = round(_BAR_WIDTH * min(1.0, done / self._total))
        return f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] "

    def _amount(self, done: float) -> str:
        reached = f"{done / _SCALES[self._unit]:.0f}"
        if not self._total:
            return f"{reached} {self._unit}"
        about = "about " if self._unit == "s" else ""
        return f"{reached} of {about}{self._total / _SCALES[self._unit]:.0f} {self._unit}"

"""Progress is a bar on a terminal, and a line now and then elsewhere."""

import io

import pytest

from localnode.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that progress goes by; its one item may be changed."""
    now = [100.0]
    monkeypatch.setattr("localnode.progress.time.monotonic", lambda: now[0])
    return now


def test_draws_a_bar_on_a_terminal(clock: list[float]) -> None:
    """A terminal gets a bar with how much is done, cleared at the end."""
    stream = Terminal()

    with Progress("Downloading", 200e6, stream=stream) as bar:
        bar.update(50e6)

    shown, cleared = stream.getvalue().removeprefix("\r").split("\r")[:2]
    assert f"Downloading [{'#' * 8}{'.' * 22}] 50 of 200 MB" == shown
    assert "" == cleared.strip()


def test_writes_a_line_every_few_seconds_elsewhere(clock: list[float]) -> None:
    """Without a terminal there is a line at once, and the next after three seconds."""
    stream = io.StringIO()

    with Progress("Starting", 13, unit="s", stream=stream) as lines:
        for second in range(5):
            clock[0] = 100.0 + second
            lines.update(second)

    assert ["localnode: Starting: 0 of about 13 s", "localnode: Starting: 3 of about 13 s"] == (
        stream.getvalue().splitlines()
    )


def test_shows_what_is_done_of_an_unknown_total(clock: list[float]) -> None:
    """Where the end is unknown, only what is done is shown."""
    stream = Terminal()

    with Progress("Downloading", None, stream=stream) as bar:
        bar.update(7e6)

    assert "\rDownloading 7 MB" == stream.getvalue()[:17]


def test_never_draws_beyond_its_end(clock: list[float]) -> None:
    """What takes longer than usual fills the bar and no more."""
    stream = Terminal()

    with Progress("Starting", 13, unit="s", stream=stream) as bar:
        bar.update(40)

    assert f"[{'#' * 30}] 40 of about 13 s" in stream.getvalue()

"""Files of counters: looked at as a whole first, and written with account of every counter."""

import io
from collections.abc import Sequence

import pytest

from service.cli.reading import LONGEST, checked, numbered, rewindable
from service.cli.writing import IfExists, Stopped, Tally, find_existing, write
from service.counters import Counter, Revision
from service.errors import CounterError, Outcome, StorageUnavailable
from tests.fakes import InMemoryCounters

GOOD = b'{"id":"a","value":1}\n{"id":"b","value":2}\n'
END = b'{"counters":2}\n'
LINES = [(1, Counter("a", 1, None)), (2, Counter("b", 2, None)), (3, Counter("c", 3, None))]


def test_a_pipe_can_be_read_twice() -> None:
    """What can be read once only is kept."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with rewindable(Pipe(GOOD)) as file:
        first = file.read()
        file.seek(0)

        assert (GOOD, GOOD) == (first, file.read())


def test_a_good_file_is_as_long_as_its_lines() -> None:
    """The lengths add up, which moves the bar to its end; the last line need not end."""
    assert len(GOOD) - 1 == sum(checked(io.BytesIO(GOOD[:-1]), endless=True))
    assert len(GOOD) == sum(checked(io.BytesIO(GOOD + END[:-1]), endless=False))


@pytest.mark.parametrize(
    ("further", "reason"),
    [
        (b"\n", "Line 3. It is not acceptable JSON"),
        (b'{"id":"c"}\n', "Line 3. It takes"),
        (b'{"id":"c","value":1}\n{"id":"a","value":1}\n', "Line 4. The counter a stands in line 1 already."),
        (b" " * LONGEST + b'{"id":"c","value":1}\n', "Line 3. It is longer"),
    ],
)
def test_a_bad_line_is_named(further: bytes, reason: str) -> None:
    """Whatever is wrong is said with the number of the line."""
    with pytest.raises(ValueError, match=f"^{reason}"):
        list(checked(io.BytesIO(GOOD + further), endless=True))


@pytest.mark.parametrize("length", range(len(GOOD + END) - 1))
def test_a_part_is_not_taken_for_the_whole(length: int) -> None:
    """Wherever a file was cut off, between two lines, or before the first."""
    with pytest.raises(ValueError, match=r"^(The last line is not|Line [123]\. It is not acceptable JSON)"):
        list(checked(io.BytesIO((GOOD + END)[:length]), endless=False))


@pytest.mark.parametrize(
    ("further", "reason"),
    [
        (b'{"counters":3}\n', "Line 3. It ends 3 counters, and there are 2 before it."),
        (END + GOOD, "Line 3. The file goes on behind its end."),
    ],
)
def test_an_end_that_is_none_is_named(further: bytes, reason: str) -> None:
    """As in a file from which a line was taken, or to which more were added."""
    with pytest.raises(ValueError, match=f"^{reason}"):
        list(checked(io.BytesIO(GOOD + further), endless=False))


def test_files_may_be_joined() -> None:
    """Where nobody looks at their ends."""
    joined = GOOD + END + b'{"id":"c","value":3}\n{"counters":1}\n'

    assert 3 == len(list(checked(io.BytesIO(joined), endless=True)))
    assert ["a", "b", "c"] == [counter.id for _, counter in numbered(io.BytesIO(joined))]


def test_lines_are_numbered() -> None:
    """From 1, as editors do."""
    assert LINES[:2] == list(numbered(io.BytesIO(GOOD)))


class Unsure(InMemoryCounters):
    """Writes what it is told to, but does not say so of the second; and has no room for the third."""

    def compare_and_set_each(self, counters: Sequence[Counter]) -> list[Revision | CounterError]:
        """Do so."""
        first, _ = super().compare_and_set_each(counters[:2])
        return [first, StorageUnavailable("It is lost.", Outcome.UNKNOWN), StorageUnavailable("It is full.")]


def test_it_stops_with_an_account() -> None:
    """Of each counter it is known whether it is written, and of which ones it is not; the first trouble is named."""
    tally = Tally(total=5)

    with pytest.raises(Stopped, match=r"^Line 2\. It is lost\.$"):
        write(Unsure(), LINES, IfExists.FAIL, tally)

    assert (1, 0, 1) == (tally.written, tally.skipped, tally.unknown)
    assert str(tally).endswith("1 written, 0 skipped, 1 of unknown outcome, 3 not written.")


@pytest.fixture
def occupied() -> InMemoryCounters:
    """Counters among which there is ``b``, at 7."""
    repository = InMemoryCounters()
    repository.compare_and_set(Counter("b", 7, None))
    return repository


def test_it_finds_what_is_there(occupied: InMemoryCounters) -> None:
    """With its line."""
    assert [(2, "b")] == find_existing(occupied, LINES)


@pytest.mark.parametrize(
    ("if_exists", "value", "told"), [(IfExists.SKIP, 7, (2, 1, 0)), (IfExists.OVERWRITE, 2, (3, 0, 0))]
)
def test_it_does_with_what_is_there_as_it_is_told(
    occupied: InMemoryCounters, if_exists: IfExists, value: int, told: tuple[int, int, int]
) -> None:
    """The counter stays, or the file's takes its place."""
    tally = Tally(total=3)

    write(occupied, LINES, if_exists, tally)

    assert told == (tally.written, tally.skipped, tally.unknown)
    assert [1, value, 3] == [occupied.read(counter.id).value for _, counter in LINES]


def test_it_does_not_replace_what_was_made_meanwhile(occupied: InMemoryCounters) -> None:
    """A counter that came after the look is not touched, and named."""
    with pytest.raises(Stopped, match=r"^Line 2\. The counter b has been made meanwhile\.$"):
        write(occupied, LINES, IfExists.FAIL, Tally(total=3))

    assert 7 == occupied.read("b").value

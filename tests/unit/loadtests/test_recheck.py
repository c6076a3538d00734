"""Histories in a file: written, read back, and checked again from the command line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.historyfile import Entry, HistoryFormatError, lines, read
from loadtests.operations import History
from loadtests.recheck import main
from tests.unit.loadtests.histories import recorded, refused, told, unknown

HEAD = '{"strategy": "occ", "counter": "c", "initial": 0, "final": 2, "missing": 0}'
GOOD = [told(1, 0, 10), refused(0, 5), told(2, 20, 30)]
BAD = [told(1, 0, 10), told(1, 20, 30)]


def write(file: Path, **histories: History) -> Path:
    """Write a file of histories, by strategy."""
    entries = [
        Entry(strategy=name, counter=f"c-{name}", history=history) for name, history in histories.items()
    ]
    file.write_text("".join(lines(entries)))
    return file


@given(st.lists(recorded(most=5), min_size=1, max_size=3))
def test_histories_are_read_back_as_they_were_written(histories: list[History]) -> None:
    """A file holds everything that a check looks at."""
    entries = [Entry(strategy="occ", counter="c", history=history) for history in histories]

    assert entries == read(lines(entries))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no history in it"),
        ("{", "line 1: JSONDecodeError"),
        ('{"outcome": "acknowledged"}', "line 1 is not about a counter"),
        ("[]", "line 1 is not about a counter"),
        ("7", "line 1: TypeError"),
        ('{"strategy": "occ", "counter": "c"}', "line 1: KeyError: 'initial'"),
        (HEAD.replace("2", "2.5"), "line 1: TypeError: 2.5 is no whole number"),
        (HEAD + '\n{"outcome": "lost"}', "line 2: ValueError: 'lost' is not a valid Outcome"),
        (HEAD + '\n{"outcome": "unknown", "by": true}', "line 2: TypeError: True is no whole number"),
    ],
)
def test_what_is_no_file_of_histories(text: str, message: str) -> None:
    """Whatever else a file holds is refused, with the line where it begins."""
    with pytest.raises(HistoryFormatError) as caught:
        read(text.splitlines())

    assert str(caught.value).startswith(message)


def test_linearizable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Histories that fit an order end in 0, and so does one that need not."""
    file = write(
        tmp_path / "history.jsonl",
        occ=History(operations=GOOD, final=2),
        naive=History(operations=BAD, final=1),
    )

    code = main([str(file)])

    assert 0 == code
    assert (
        "/occ, 3 increments of c-occ: linearizable.\n"
        "/naive, 2 increments of c-naive: not linearizable, as it may be: two increments were answered 1: "
        "one by 1 (from 0.000 to 10.000 ms), and one by 1 (from 20.000 to 30.000 ms).\n"
    ) == capsys.readouterr().out


def test_not_linearizable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One history that fits no order ends in 1, whatever the others do; of an unknown strategy, too."""
    file = write(
        tmp_path / "history.jsonl", occ=History(operations=GOOD), batched=History(operations=BAD, missing=0)
    )

    code = main([str(file)])

    assert 1 == code
    assert "/batched, 2 increments of c-batched: not linearizable: two" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (
            History(operations=GOOD, missing=3),
            "undecided: 3 increments were made that are not in the history",
        ),
        (History(operations=[told(1, 0, 10, by=0)]), "not checked: amounts must be positive"),
        (
            History(operations=[told(99, 10, 20), *(unknown(0, by=by) for by in range(2, 40, 2))]),
            "undecided: 100 steps were not enough to assign 19 increments of unknown outcome",
        ),
    ],
)
def test_undecided(history: History, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What isn't decided ends in 2, which is neither of the two answers."""
    file = write(tmp_path / "history.jsonl", scripted=history)

    code = main([str(file), "--budget", "100"])

    assert 2 == code
    assert f"c-scripted: {words}." in capsys.readouterr().out


def test_a_file_that_can_not_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file there is nothing to say about histories, and that isn't a 0."""
    code = main([str(tmp_path / "missing.jsonl")])

    assert 2 == code
    assert "missing.jsonl" in capsys.readouterr().err

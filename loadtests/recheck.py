"""``python -m loadtests.recheck build/load/history.jsonl``: check again whether recorded histories are linearizable.

Exit codes: 0 if all are, except for strategies that promise no such thing; 1 if one is not; 2 if that could not be
decided, or the file not be read.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from loadtests.historyfile import Entry, HistoryFormatError, read
from loadtests.linearizability import BUDGET, Answer, Finding, check
from loadtests.verdict import STRATEGIES, Promise


def main(arguments: list[str] | None = None) -> int:
    """Check a file of histories, and say what was found.

    Args:
        arguments: the command line's, without the program's name.
    """
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.recheck", description="Check whether recorded histories are linearizable."
    )
    parser.add_argument("file", type=Path, help="history.jsonl, as a load test leaves it")
    parser.add_argument(
        "--budget",
        type=int,
        default=BUDGET,
        metavar="N",
        help=f"steps of a search among increments of different amounts ({BUDGET})",
    )
    options = parser.parse_args(arguments)
    try:
        with options.file.open(encoding="utf-8") as file:
            entries = read(file)
    except (OSError, UnicodeDecodeError, HistoryFormatError) as error:
        sys.stderr.write(f"{options.file}: {error}\n")
        return 2
    found = [(entry, check(entry.history, budget=options.budget)) for entry in entries]
    for entry, finding in found:
        sys.stdout.write(f"{_sentence(entry, finding)}\n")
    return _exit_code(finding.answer for entry, finding in found if _has_to_be(entry))


def _sentence(entry: Entry, finding: Finding) -> str:
    """Say what was found about one counter."""
    number = f"{len(entry.history.operations)} increments"
    expected = "" if _has_to_be(entry) or finding.answer is Answer.LINEARIZABLE else ", as it may be"
    reason = f": {finding.reason}" if finding.reason else ""
    return f"/{entry.strategy}, {number} of {entry.counter}: {finding.answer}{expected}{reason}."


def _has_to_be(entry: Entry) -> bool:
    """Tell whether a counter has to be linearizable; strategies that aren't known here have to be, too."""
    return STRATEGIES.get(entry.strategy, Promise.EXACT) is Promise.EXACT


def _exit_code(answers: Iterable[Answer]) -> int:
    left = set(answers) - {Answer.LINEARIZABLE}
    if Answer.NOT_LINEARIZABLE in left:
        return 1
    return 2 if left else 0


if __name__ == "__main__":
    sys.exit(main())

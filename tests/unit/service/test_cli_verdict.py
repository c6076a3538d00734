"""What a race came to, in words."""

from dataclasses import replace

import pytest

from service.cli.verdict import Result

NAIVE = Result(
    strategy="naive",
    is_exact=False,
    expected=250,
    acknowledged=250,
    refused=0,
    unknown=0,
    conflicts=0,
    stored=84,
)
OCC = replace(NAIVE, strategy="occ", is_exact=True, stored=250, conflicts=506)
TROUBLED = replace(OCC, conflicts=0, acknowledged=240, refused=6, unknown=4)


@pytest.mark.parametrize(
    ("result", "holds", "words"),
    [
        (NAIVE, True, "/naive: expected 250, got 84. It has lost 166 of the acknowledged increments."),
        (replace(NAIVE, stored=250), True, "/naive: expected 250, got 250. None is lost, this time."),
        (
            OCC,
            True,
            "/occ: expected 250, got 250. None is lost. 506 times a write met another, and was tried again.",
        ),
        (
            replace(OCC, stored=249, conflicts=0),
            False,
            "/occ: expected 250, got 249. It has lost 1 of the acknowledged increments, which it promises never to do.",
        ),
        (
            replace(NAIVE, stored=251),
            False,
            "/naive: expected 250, got 251. That is more than can have been added.",
        ),
        (
            replace(TROUBLED, stored=244),
            True,
            "/occ: expected 250, got 244. 240 were acknowledged, 6 refused, 4 of unknown outcome. None is lost.",
        ),
        (
            replace(TROUBLED, stored=245),
            False,
            (
                "/occ: expected 250, got 245. 240 were acknowledged, 6 refused, 4 of unknown outcome."
                " That is more than can have been added."
            ),
        ),
        (
            replace(OCC, stored=0, conflicts=0, acknowledged=0, refused=250),
            False,
            "/occ: expected 250, got 0. 0 were acknowledged, 250 refused, 0 of unknown outcome.",
        ),
    ],
)
def test_it_says_what_was_expected_and_what_came(result: Result, *, holds: bool, words: str) -> None:
    """And whether the strategy kept its promise, at the bounds as well."""
    assert (holds, words) == (result.holds, str(result))

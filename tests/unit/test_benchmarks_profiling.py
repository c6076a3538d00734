"""What a profile makes of the stacks that were seen."""

import pytest

from benchmarks.profiling import REST, part_of, parts_of

VIEW = "full_dispatch_request (/x/site-packages/flask/app.py:900);increment (/y/service/api/increments.py:12)"


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        (VIEW, "views and contract"),
        (f"{VIEW};observe (/y/service/metrics.py:3);inc (/x/prometheus_client/metrics.py:9)", "metrics"),
        (f"{VIEW};dumps (/usr/lib/python3.11/json/__init__.py:231)", "views and contract"),
        ("run (/x/gunicorn/arbiter.py:5);run (/y/service/server/worker.py:20);poll (select.py:3)",
         "the service's part of the server"),
        ("_bootstrap (/usr/lib/python3.11/threading.py:995)", REST),
    ],
)  # fmt: skip
def test_the_innermost_known_frame_says_what_was_at_work(stack: str, part: str) -> None:
    """The standard library works for who has called it."""
    assert part == part_of(stack)


def test_looks_are_added_up() -> None:
    """Also those of different stacks in the same part."""
    lines = [f"{VIEW} 3", f"{VIEW};loads (json.py:1) 4", "main (a.py:1) 1"]

    assert {"views and contract": 7, REST: 1} == parts_of(lines)

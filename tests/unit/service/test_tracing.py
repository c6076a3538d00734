"""Traces: what a write for several requests looks like, and that without the setting there is nothing of it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import pytest
from environs import EnvError
from flask import Flask
from opentelemetry import trace

from localnode.processes import wait_until
from service import create_app, tracing
from service.counters import Applied, Increment
from service.errors import CounterError
from service.settings import Settings
from service.strategies.group_commit import GroupCommit
from tests.fakes import InMemoryCounters
from tests.tracing import Spans, id_of, linked_from, parent_of, tracing_in_memory

SECONDS: Final = 60.0
TRACE: Final = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans() -> Iterator[Spans]:
    """The spans of the test."""
    with tracing_in_memory() as spans:
        yield spans


class Gated(InMemoryCounters):
    """Counters whose writes stand still at a gate until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()

    def add_each(self, increments: Sequence[Increment]) -> list[Applied | CounterError]:
        """Stand still, then add to each."""
        self.begun.release()
        assert self.gate.wait(SECONDS)
        return super().add_each(increments)


def has_queued(commit: GroupCommit, increments: int) -> bool:
    """Say whether so many wait."""
    return commit.queued == increments


def test_a_write_stands_under_one_request_and_is_linked_with_the_others(spans: Spans) -> None:
    """Of those that share a write the first is its parent, and from every other one there is a way to it and back."""
    tracing.begin(Flask("test"))
    storage = Gated()
    commit = GroupCommit(storage)

    def ask(name: str) -> None:
        with trace.get_tracer("test").start_as_current_span(name):
            commit.add(Increment("a"))

    with ThreadPoolExecutor(4) as pool:
        pool.submit(ask, "alone")
        assert storage.begun.acquire(timeout=SECONDS)
        for number, name in enumerate(("first", "second", "third"), start=1):
            pool.submit(ask, name)
            assert wait_until(partial(has_queued, commit, number), timeout=SECONDS)
        storage.gate.set()

    first, second, third = map(spans.named, ("first", "second", "third"))
    alone, shared = [span for span in spans.all() if span.name == "group commit"]
    assert (id_of(spans.named("alone")), []) == (parent_of(alone), linked_from(alone))
    assert (id_of(first), [id_of(second), id_of(third)]) == (parent_of(shared), linked_from(shared))
    assert [[], [id_of(shared)], [id_of(shared)]] == [linked_from(each) for each in (first, second, third)]


def test_leaves_no_span_without_the_setting(spans: Spans) -> None:
    """Although whoever serves it has said where spans go."""
    app = create_app(Settings(), repository=InMemoryCounters())

    assert 200 == app.test_client().post("/batched/a").status_code

    assert [] == spans.names()


def test_imports_nothing_without_the_setting() -> None:
    """Nobody pays for what is off: not even the time to load it."""
    look = (
        "import sys, service; from service.settings import Settings; service.create_app(Settings());"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.instr'))])"
    )

    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert "[]\n" == found.stdout


@pytest.mark.parametrize("before", [None, "true"])
def test_the_environment_stays_as_it_was(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    """What an application leaves off for itself, the processes that are started later are not to be without."""
    monkeypatch.delenv(tracing.CALLS, raising=False)
    if before is not None:
        monkeypatch.setenv(tracing.CALLS, before)

    create_app(Settings())

    assert before == os.environ.get(tracing.CALLS)


def test_the_setting_without_the_extra_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets it is told what is missing, before the service starts or goes on with other settings."""
    monkeypatch.setenv("TRACES", "true")
    assert Settings.from_env().traces
    monkeypatch.delitem(sys.modules, "opentelemetry.instrumentation.flask", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation", None)

    with pytest.raises(EnvError, match="which is not installed"):
        Settings.from_env()


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE}-b7ad6b7169203331-01\n", None),
        ("", None),
        (None, None),
    ],
)
def test_knows_the_callers_trace_all_the_same(traceparent: str | None, trace_id: str | None) -> None:
    """A caller that traces finds its trace in the log; what is no trace id never comes there."""
    assert trace_id == tracing.trace_id(traceparent)

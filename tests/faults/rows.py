"""Rows 1 to 4 of the table of faults: the write is done, and its reply is not what arrives.

They are functions, so that mutated services can be put through the same: see test_mutants.py.
"""

from dataclasses import dataclass
from typing import Final

from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import Case
from tests.faults.figures import Figures
from tests.faults.injuries import (
    Cutter,
    Every,
    lose_reply,
    posts,
    reads,
    repeat,
    rewrite_status,
    swallow_reply,
    writes,
)
from tests.faults.tcp_proxy import TcpProxy

GATEWAYS: Final = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}

CUTS: Final = 5
"""How many cuts the same counter goes through."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A service between two proxies.

    Attributes:
        front: The proxy before the service, where callers call.
        back: The proxy before Elasticsearch, where the service calls.
        api: The service itself, to read counters by when all is over.
    """

    front: TcpProxy
    back: TcpProxy
    api: Api

    def crowd(self, case: Case, counter_id: str) -> Crowd:
        """Return callers of the service."""
        return Crowd(self.front.url, case, counter_id)

    def after(self, crowd: Crowd, *, row: int, fault: str, struck: int) -> Figures:
        """Let all be well again, and return what the row came to."""
        self.back.reset()
        self.front.reset()
        return crowd.figures(self.api, row=row, fault=fault, struck=struck)


def reply_lost(bench: Bench, case: Case, counter_id: str) -> Figures:
    """Row 1: every 5th write's reply is lost before the service sees it."""
    bench.back.handle = fault = Every(5, lose_reply, of=writes)
    return _increment(bench, case, counter_id, fault, row=1, name="reply lost after the write")


def answer_lost(bench: Bench, case: Case, counter_id: str) -> Figures:
    """Row 1, one station further: every 5th answer of the service is lost before its caller sees it."""
    bench.front.handle = fault = Every(5, lose_reply, of=posts)
    return _increment(bench, case, counter_id, fault, row=1, name="answer lost after the increment")


def reply_cut(bench: Bench, case: Case, counter_id: str) -> list[Figures]:
    """Row 2: the reply to one write after the other is cut one byte later, from none to all but the last."""
    return _cut(bench, case, counter_id, Cutter(writes), "reply to a write cut at every byte")


def read_cut(bench: Bench, case: Case, counter_id: str) -> list[Figures]:
    """Row 2 for the reads of a strategy that reads: half an answer is no counter at 0."""
    return _cut(bench, case, counter_id, Cutter(reads), "reply to a read cut at every byte")


def status_rewritten(bench: Bench, case: Case, counter_id: str, status: int) -> Figures:
    """Row 3: every 5th write is answered by a gateway that says that it was not done."""
    bench.back.handle = fault = Every(5, rewrite_status(status, GATEWAYS[status]), of=writes)
    return _increment(bench, case, counter_id, fault, row=3, name=f"{status} after the write")


def write_lost(bench: Bench, case: Case, counter_id: str) -> Figures:
    """Row 4: every 5th write is done without a reply, so that whoever repeats it conflicts with itself."""
    bench.back.handle = fault = Every(5, swallow_reply, of=writes)
    return _increment(bench, case, counter_id, fault, row=4, name="write lost, its repetition stale")


def write_repeated(bench: Bench, case: Case, counter_id: str) -> Figures:
    """Row 4: every 5th write is sent twice on its way, so that what is answered is its conflict with itself."""
    bench.back.handle = fault = Every(5, repeat, of=writes)
    return _increment(bench, case, counter_id, fault, row=4, name="write repeated, 409 on itself")


def _increment(bench: Bench, case: Case, counter_id: str, fault: Every, *, row: int, name: str) -> Figures:
    crowd = bench.crowd(case, counter_id)
    # Naive callers overwrite each other by design; one alone has only the fault to fear.
    crowd.increment(25, callers=1 if case.strategy == "naive" else 4)
    return bench.after(crowd, row=row, fault=name, struck=fault.struck)


def _cut(bench: Bench, case: Case, counter_id: str, cutter: Cutter, name: str) -> list[Figures]:
    bench.back.handle = cutter
    crowds: list[tuple[Crowd, int]] = []
    while not cutter.is_through:
        # Every few cuts a new counter, for what is read and written grows with each key.
        crowd, before = bench.crowd(case, f"{counter_id}-{len(crowds)}"), cutter.struck
        crowd.increment(1)
        for _ in range(CUTS):
            cutter.is_armed = True
            crowd.increment(1)
        crowds.append((crowd, cutter.struck - before))
    return [bench.after(crowd, row=2, fault=name, struck=struck) for crowd, struck in crowds if struck]

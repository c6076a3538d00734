"""What the stateful test asks for, what may happen meanwhile, and what an answer says."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from hypothesis import strategies as st

from tests.faults import injuries
from tests.faults.injuries import First
from tests.faults.tcp_proxy import Handler, TcpProxy
from tests.faults.worlds import Asked, Problem, Said, Untold
from tests.keys import uuid7

INJURIES: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "reply lost": injuries.lose_reply,
        "reply missing": injuries.swallow_reply,
        "reply halved": injuries.halve_reply,
        "reply rewritten": injuries.rewrite_status(503, "Service Unavailable"),
        "rejected": injuries.fail_before(429, "Too Many Requests"),
        "failed": injuries.fail_before(500, "Internal Server Error"),
        "repeated": injuries.repeat,
    }
)
"""What can happen to a write; a write is repeated on its way only where a key makes up for that."""

ALWAYS: Final = 1_000_000

PROBLEMS: Final[Mapping[str, Problem]] = MappingProxyType(
    {
        "/problems/counter-not-found": Problem.ABSENT,
        "/problems/idempotency-key-reused": Problem.REUSED,
        "/problems/idempotency-key-expired": Problem.EXPIRED,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens during a request: to so many of its writes, to its reads instead, or to all connections."""

    name: str = ""
    count: int = 1
    to_reads: bool = False

    @contextlib.contextmanager
    def strike(self, back: TcpProxy) -> Iterator[None]:
        """Have it happen while the block lasts, and wait until nothing of it is under way any more."""
        if self.name == "refused":
            back.refuse()
        elif self.name:
            kind = injuries.reads if self.to_reads else injuries.writes
            back.handle = First(self.count, INJURIES[self.name], of=kind)
        yield
        back.reset()
        back.wait_until_idle()


def faults(*, keyed: bool) -> st.SearchStrategy[Fault]:
    """Return faults to draw from, about half of which are none."""
    names = st.sampled_from([name for name in INJURIES if keyed or name != "repeated"])
    on_writes = st.builds(Fault, names, st.sampled_from([1, 1, 2, 3, ALWAYS]))
    on_reads = st.builds(Fault, names, to_reads=st.just(value=True))
    return st.one_of(st.just(Fault()), st.just(Fault()), on_writes, on_reads, st.just(Fault("refused")))


WELL: Final = Fault()

Item = tuple[str, int]
"""A counter and an amount."""


@dataclass(frozen=True, slots=True)
class Request:
    """An increment, or a list of them, as it can be sent again and again."""

    strategy: str
    items: tuple[Item, ...]
    in_list: bool
    key: str = ""

    def addressed(self, prefix: str) -> tuple[str, object]:
        """Return the path and the body, for counters whose ids begin with ``prefix``."""
        if self.in_list:
            items = [{"id": prefix + counter, "by": by} for counter, by in self.items]
            return f"/{self.strategy}", {"increments": items}
        [(counter, by)] = self.items
        return f"/{self.strategy}/{prefix}{counter}", {"by": by}

    def asked(self) -> Iterator[tuple[str, Asked]]:
        """Yield each counter and what is asked of it, in order; its further items have numbers in their keys."""
        whole = json.dumps([self.strategy, self.items if self.in_list else self.items[0][1]])
        met: Counter[str] = Counter()
        for counter, by in self.items:
            number = f"-{met[counter]:03d}" if met[counter] else ""
            yield counter, Asked(by, self.key and self.key.replace("-", "") + number, whole)
            met[counter] += 1


def told(document: Any) -> Said | Untold:
    """Return what an answer says: a value, or why there is none."""
    match document:
        case {"value": int(value)}:
            return value
        case {"type": "/problems/unavailable" | "/problems/conflicts-not-resolved", "outcome": outcome}:
            return Untold.UNKNOWN if outcome == "unknown" else Untold.NOT_APPLIED
        case {"type": kind}:
            return PROBLEMS[kind]
        case _:
            raise AssertionError(document)


def new_key(age: int) -> str:
    """Return a key as a caller makes it whose clock is so many milliseconds slow."""
    return uuid7(milliseconds=time.time_ns() // 1_000_000 - age)

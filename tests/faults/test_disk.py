"""Row 15: the disk is full, up to where Elasticsearch blocks writes, and beyond that to its last byte."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from elasticsearch import Elasticsearch

from loadtests.outcomes import Outcome
from localnode.processes import wait_until
from localnode.serving import serving
from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import singles
from tests.faults.conftest import Enter
from tests.faults.small_disk import small_disk
from tests.faults.tcp_proxy import tcp_proxy_to
from tests.faults.witness import Witness
from tests.keys import uuid7
from tests.problems import problem_in
from tests.strategies import EXACT

# Nodes of their own, so not beside those of other modules.
pytestmark = [pytest.mark.xdist_group("faults-disk"), pytest.mark.long]

CALLERS: Final = 2
ALIAS: Final = "counters"

MIB: Final = 1024 * 1024
LEFT: Final = 12 * MIB
"""What is left of a disk on which Elasticsearch blocks writes: less than at its watermark, and enough to go on with."""

DISK: Final = "cluster.routing.allocation.disk"
WATERMARKS: Final = {
    f"{DISK}.threshold_enabled": True,
    f"{DISK}.watermark.low": f"{3 * LEFT}b",
    f"{DISK}.watermark.high": f"{2 * LEFT + MIB}b",
    f"{DISK}.watermark.flood_stage": f"{2 * LEFT}b",
    "cluster.info.update.interval": "10s",  # it takes no shorter one
}

PAUSE: Final = 0.5
"""Seconds between requests of callers who go on until Elasticsearch has looked at its disk, and must not fill it."""


def test_writes_end_before_the_disk_is_full(
    passable: Path, tmp_path: Path, enter: Enter, counter_id: str
) -> None:
    """Below the watermark each is refused as not applied, nothing is lost, and once there is space they go on."""
    with small_disk(passable) as disk, ExitStack() as stack:
        operator = stack.enter_context(Elasticsearch(disk.url))
        operator.cluster.put_settings(persistent=WATERMARKS)
        service = stack.enter_context(serving({"ELASTICSEARCH_URL": disk.url}, log=tmp_path / "log"))
        api = stack.enter_context(Api(service.url))
        crowds = crowds_of(service.url, counter_id, pause=PAUSE)
        with ExitStack() as calls:
            tallies = [calls.enter_context(crowd.incrementing(callers=CALLERS)) for crowd in crowds]
            for tally in tallies:
                tally.successes(10)()
            # From now on: who is refused with a key repeats the same, and is counted once.
            told = [tally.failures(CALLERS) for tally in tallies]
            with disk.filled(leaving=LEFT):
                assert wait_until(lambda: is_blocked(operator), timeout=120.0)
                for each in told:
                    each()
                refusals = ask_all(api, f"{counter_id}-other")
                kept = [api.value_of(crowd.counter_id) for crowd in crowds]
            for tally in tallies:
                tally.successes(10)()

        enter(
            *(
                crowd.figures(api, row=15, fault="disk almost full, writes blocked", struck=1)
                for crowd in crowds
            )
        )
        assert [404] * len(EXACT) == [
            api.get(f"/counters/{counter_id}-other-{name}").status_code for name in EXACT
        ]
    assert all(kept)
    for refusal in refusals:
        problem = problem_in(refusal, 503, "unavailable")
        assert ("not-applied", True) == (problem["outcome"], "disk" in problem["detail"])
        assert "Retry-After" in refusal.headers
    assert [0] * len(crowds) == [crowd.tally.firsts[Outcome.UNKNOWN] for crowd in crowds]


def test_a_success_is_told_only_on_elasticsearchs_word(
    passable: Path, tmp_path: Path, enter: Enter, counter_id: str
) -> None:
    """On a disk that is full to its last byte the service believes only acknowledgements, and goes on after it.

    Elasticsearch itself acknowledges some writes there and loses them, so that what is stored is only reported.
    """
    environment = {"ELASTICSEARCH_TIMEOUT": "2", "REQUEST_TIMEOUT": "3"}
    witness = Witness()
    with small_disk(passable) as disk, ExitStack() as stack:
        back = stack.enter_context(tcp_proxy_to(disk.url))
        back.handle = witness.hear
        service = stack.enter_context(
            serving({"ELASTICSEARCH_URL": back.url, **environment}, log=tmp_path / "log")
        )
        front = stack.enter_context(tcp_proxy_to(service.url))
        front.handle = witness.watch
        api = stack.enter_context(Api(service.url))
        crowds = crowds_of(front.url, counter_id)
        with ExitStack() as calls:
            tallies = [calls.enter_context(crowd.incrementing(callers=CALLERS)) for crowd in crowds]
            for tally in tallies:
                tally.successes(10)()
            told = [tally.failures(CALLERS) for tally in tallies]
            with disk.filled():
                for each in told:
                    each()
            disk.allocate_again()
            for tally in tallies:
                tally.successes(10)()

        enter(
            *(
                crowd.figures(api, row=15, fault="disk full to its last byte", struck=1, promised=False)
                for crowd in crowds
            )
        )
    assert [] == witness.baseless
    assert 0 < sum(tally.succeeded for tally in tallies) <= witness.told


def crowds_of(url: str, counter_id: str, *, pause: float = 0.0) -> list[Crowd]:
    """Return callers of each strategy, with keys and without."""
    cases = [*singles(keyed=True), *singles(keyed=False)]
    return [Crowd(url, case, f"{counter_id}-{case}", pause=pause) for case in cases]


def ask_all(api: Api, counter_id: str) -> list[requests.Response]:
    """Ask for an increment by each strategy, without a key and with one."""
    headers: list[dict[str, Any]] = [{}, {"Idempotency-Key": uuid7()}]
    return [
        api.post(f"/{strategy}/{counter_id}-{strategy}", headers=each)
        for strategy in EXACT
        for each in headers
    ]


def is_blocked(operator: Elasticsearch) -> bool:
    """Say whether Elasticsearch blocks writes because of its disk."""
    name = "index.blocks.read_only_allow_delete"
    answer = operator.indices.get_settings(index=ALIAS, name=name, flat_settings=True)
    return any(index["settings"].get(name) == "true" for index in answer.values())

"""Row 15: the disk is full."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from elasticsearch import Elasticsearch

from localnode.processes import wait_until
from localnode.serving import serving
from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import singles
from tests.faults.conftest import Enter
from tests.faults.small_disk import small_disk

# A node of its own, so not beside those of other modules.
pytestmark = [pytest.mark.xdist_group("faults-disk"), pytest.mark.long]

CALLERS: Final = 2


def test_a_full_disk_acknowledges_nothing_in_vain(
    passable: Path, tmp_path: Path, enter: Enter, counter_id: str
) -> None:
    """While there is no space each is told so, and what had been acknowledged before and after is stored."""
    environment = {"ELASTICSEARCH_TIMEOUT": "2", "REQUEST_TIMEOUT": "3"}
    with small_disk(passable) as disk, ExitStack() as stack:
        service = stack.enter_context(
            serving({"ELASTICSEARCH_URL": disk.url, **environment}, log=tmp_path / "log")
        )
        api = stack.enter_context(Api(service.url))
        crowds = [
            Crowd(service.url, case, f"{counter_id}-{case}")
            for case in [*singles(keyed=True), *singles(keyed=False)]
        ]
        with ExitStack() as calls:
            tallies = [calls.enter_context(crowd.incrementing(callers=CALLERS)) for crowd in crowds]
            for tally in tallies:
                tally.successes(10)()
            told = [tally.failures(CALLERS) for tally in tallies]
            with disk.full():
                for each in told:
                    each()
            allocate_again(disk.url)
            for tally in tallies:
                tally.successes(10)()

        enter(*(crowd.figures(api, row=15, fault="disk full under load", struck=1) for crowd in crowds))


def allocate_again(url: str) -> None:
    """Have Elasticsearch try once more what it has given up, as an operator does who has made space."""
    with Elasticsearch(url) as operator:
        patient = operator.options(request_timeout=5, ignore_status=503)

        def is_allocated() -> bool:
            patient.cluster.reroute(retry_failed=True, metric="none")
            return bool(patient.cluster.health(timeout="1s").get("status") in {"green", "yellow"})

        assert wait_until(is_allocated, timeout=60.0)

"""Any order of increments, replays, sets, deletes and faults: what the service says must fit one possible world."""

import hypothesis
import pytest

from tests.api import Api
from tests.faults.conftest import Start
from tests.faults.machine import BRIEF, ENVIRONMENT, THOROUGH, check
from tests.faults.tcp_proxy import TcpProxy
from tests.faults.worlds import Problem, Untold


@pytest.mark.parametrize(
    "how", [pytest.param(BRIEF, id="brief"), pytest.param(THOROUGH, id="thorough", marks=pytest.mark.long)]
)
def test_every_answer_fits_one_world(start: Start, back: TcpProxy, how: hypothesis.settings) -> None:
    """No sequence of requests and faults makes the service contradict what it has said before."""
    service = start({**ENVIRONMENT, "ELASTICSEARCH_URL": back.url})

    with Api(service.url) as api:
        seen = check(api, back, how)

    assert set(seen) >= {"value", "replayed", *Problem.__members__, *Untold.__members__}

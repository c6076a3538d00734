"""The strategy of docs/examples, served beside the service's own: it keeps what they promise, and does what it says.

What is held to it are the tests of the others, which run here once more, on this module's `service_url`, `api`,
`proxied_api` and `strategy`.
"""

from collections.abc import Iterator, Mapping

import pytest
from elasticsearch import Elasticsearch

from benchmarks.applications import in_place_of_the_service
from docs.examples.cached import app
from localnode.serving import serving
from service.counters import MAX_VALUE
from service.settings import Settings
from tests.api import Api
from tests.integration.test_idempotency import *  # noqa: F403 - to run them
from tests.integration.test_interleavings import (  # noqa: F401 - likewise
    test_conflicts_without_end_are_a_409_and_change_nothing,
)
from tests.integration.test_race import *  # noqa: F403 - likewise
from tests.problems import problem_in
from tests.proxy import Exchange, Proxy
from tests.starting import IMPATIENT

# One process runs all of it: these tests share their services.
pytestmark = pytest.mark.xdist_group("example-strategy")


@pytest.fixture
def strategy() -> str:
    """The example."""
    return "cached"


@pytest.fixture(scope="session")
def environment(client: Elasticsearch, settings: Settings) -> Mapping[str, str]:
    """The settings of a service that has it."""
    return {
        "COUNTERS_ALIAS": settings.counters_alias,
        **in_place_of_the_service("docs.examples.cached:app()"),
    }


@pytest.fixture(scope="session")
def service_url(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where that answers, from two workers."""
    with serving({**environment, "WORKERS": "2"}, log=tmp_path_factory.mktemp("example") / "log") as service:
        yield service.url


@pytest.fixture(scope="session")
def _proxied_url(
    environment: Mapping[str, str], _proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    through = {"ELASTICSEARCH_URL": _proxy.url, "WORKERS": "1", **IMPATIENT}
    with serving({**environment, **through}, log=tmp_path_factory.mktemp("proxied") / "log") as service:
        yield service.url


@pytest.fixture
def proxied_api(_proxied_url: str, proxy: Proxy) -> Iterator[Api]:
    """A caller of one that reaches Elasticsearch through the proxy, with one worker."""
    with Api(_proxied_url) as api:
        yield api


@pytest.fixture
def calls(proxied_api: Api, proxy: Proxy) -> list[str]:
    """What that service sends to Elasticsearch from now on: `read` or `write`."""
    sent: list[str] = []

    def handle(exchange: Exchange) -> None:
        sent.extend(["read"] * exchange.is_read + ["write"] * exchange.is_write)
        exchange.forward()

    proxy.handle = handle
    return sent


def test_reads_a_counter_once(proxied_api: Api, calls: list[str], counter_id: str) -> None:
    """What it has written it need not read."""
    values = [proxied_api.post(f"/cached/{counter_id}").json()["value"] for _ in range(3)]

    assert [1, 2, 3] == values
    assert ["read", "write", "write", "write"] == calls


def test_a_stale_memory_costs_a_conflict(
    proxied_api: Api, api: Api, calls: list[str], counter_id: str
) -> None:
    """What another process has added since is found by the write, read, and counted upon."""
    proxied_api.post(f"/cached/{counter_id}")
    api.post(f"/scripted/{counter_id}", json={"by": 100})
    calls.clear()

    done = proxied_api.post(f"/cached/{counter_id}").json()

    assert (102, 2, 1) == (done["value"], done["attempts"], done["conflicts"])
    assert ["write", "read", "write"] == calls


def test_a_memory_does_not_refuse(proxied_api: Api, api: Api, counter_id: str) -> None:
    """What would have been too much is applied if another process has made room; what is too much is refused."""
    api.put(f"/counters/{counter_id}", json={"value": MAX_VALUE - 1})
    proxied_api.post(f"/cached/{counter_id}")
    full = proxied_api.post(f"/cached/{counter_id}")
    api.post(f"/occ/{counter_id}", json={"by": -5})

    done = proxied_api.post(f"/cached/{counter_id}")

    assert problem_in(full, 409, "counter-overflow")
    assert MAX_VALUE - 4 == done.json()["value"] == api.value_of(counter_id)


def test_the_contract_tells_of_it() -> None:
    """Whoever reads openapi.yaml of such a service finds what the module says of itself."""
    contract = app().test_client().get("/openapi.yaml").text

    assert "/cached/{counter_id}:" in contract
    assert "Prevents the *lost update*" in " ".join(contract.split())

"""Row 12: Elasticsearch refuses, because writes are blocked, the index is gone, or the service's key is revoked."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import requests
from elasticsearch import Elasticsearch

import localnode
from loadtests.outcomes import Outcome
from localnode import Cluster
from localnode.serving import Service, serving
from service.settings import Settings
from service.storage.client import connect
from service.storage.index import create_index, index_name
from service.storage.security import role_descriptor
from tests.api import Api
from tests.faults.callers import Crowd
from tests.faults.cases import singles
from tests.faults.conftest import Enter
from tests.faults.figures import Figures
from tests.keys import uuid7
from tests.problems import problem_in
from tests.strategies import EXACT

# One process runs all of it: nodes are dear, and these tests share theirs.
pytestmark = [pytest.mark.xdist_group("faults-refusals"), pytest.mark.long]

ALIAS: Final = "counters"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A service with an API key of its own, and who may take it away.

    Attributes:
        service: The service.
        key: The id of its key.
        secrets: What nobody else may learn.
        operator: A client with all rights.
    """

    service: Service
    key: str
    secrets: tuple[str, ...]
    operator: Elasticsearch

    def refused(self, *answers: requests.Response) -> None:
        """Fail unless all are refusals that say that nothing was applied, and neither they nor the log say a secret."""
        for answer in answers:
            assert "not-applied" == problem_in(answer, 503, "unavailable")["outcome"]
        told = self.service.log.read_text() + "".join(answer.text for answer in answers)
        assert [] == [secret for secret in self.secrets if secret in told]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A secured cluster of one node."""
    with localnode.cluster(secure=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def operator(cluster: Cluster) -> Iterator[Elasticsearch]:
    """A client of someone who may do everything."""
    settings = Settings(
        elasticsearch_url=cluster.urls,
        elasticsearch_username=cluster.username,
        elasticsearch_password=cluster.password,
        elasticsearch_ca_certs=str(cluster.ca_certs),
        elasticsearch_timeout=30,
    )
    with connect(settings) as client:
        yield client


@pytest.fixture
def deployments(cluster: Cluster, operator: Elasticsearch, tmp_path: Path) -> Iterator[Iterator[Deployment]]:
    """Services, one after the other, each with a key that may use the counters and nothing else."""

    def deploy() -> Iterator[Deployment]:
        while True:
            create_index(operator, ALIAS)
            key = operator.security.create_api_key(
                name=ALIAS, role_descriptors={ALIAS: role_descriptor(ALIAS)}
            )
            environment = {
                "ELASTICSEARCH_URL": cluster.urls[0],
                "ELASTICSEARCH_CA_CERTS": str(cluster.ca_certs),
                "ELASTICSEARCH_API_KEY": key["encoded"],
            }
            service = stack.enter_context(serving(environment, log=tmp_path / f"{key['id']}.log"))
            secrets = (key["encoded"], key["api_key"], str(cluster.password))
            yield Deployment(service, key["id"], secrets, operator)

    with ExitStack() as stack:
        yield deploy()


def ask_all(api: Api, counter_id: str, key: Mapping[str, str]) -> list[requests.Response]:
    """Ask for an increment by each strategy, without a key and with one."""
    paths = [f"/{strategy}/{counter_id}-{strategy}" for strategy in EXACT]
    return [*(api.post(path) for path in paths), *(api.post(path, headers=key) for path in paths)]


def replay_each(
    api: Api, enter: Enter, counter_id: str, key: Mapping[str, str], acknowledged: int, fault: str
) -> None:
    """Send what was refused with a key again, which now succeeds, and enter what it has come to by each strategy."""
    for strategy in EXACT:
        replay = api.post(f"/{strategy}/{counter_id}-{strategy}", headers=key)
        figures = Figures(
            row=12,
            fault=fault,
            strategy=strategy,
            keyed=True,
            struck=1,
            requested=acknowledged + 1,
            acknowledged=acknowledged,
            refused=1,
            resolved=int(replay.ok),
            stored=api.value_of(f"{counter_id}-{strategy}"),
        )
        enter(figures)


def test_a_write_block_is_waited_out(
    deployments: Iterator[Deployment], enter: Enter, counter_id: str
) -> None:
    """While writes are blocked each is refused as not applied, and after that they go on."""
    deployment = next(deployments)
    cases = [*singles(keyed=True), *singles(keyed=False)]
    crowds = [Crowd(deployment.service.url, case, f"{counter_id}-{case}") for case in cases]
    indices = deployment.operator.indices
    with ExitStack() as stack, Api(deployment.service.url) as api:
        tallies = [stack.enter_context(crowd.incrementing(callers=2)) for crowd in crowds]
        for tally in tallies:
            tally.successes(10)()
        told = [tally.failures(2) for tally in tallies]
        indices.put_settings(index=ALIAS, settings={"index.blocks.write": True})
        try:
            for each in told:
                each()
            answers = [api.post(f"/{strategy}/{counter_id}") for strategy in EXACT]
        finally:
            indices.put_settings(index=ALIAS, settings={"index.blocks.write": False})
        for tally in tallies:
            tally.successes(10)()

    deployment.refused(*answers)
    with Api(deployment.service.url) as api:
        enter(*(crowd.figures(api, row=12, fault="writes blocked under load", struck=1) for crowd in crowds))
    assert [0] * len(crowds) == [crowd.tally.firsts[Outcome.UNKNOWN] for crowd in crowds]


def test_a_revoked_key_changes_nothing(
    deployments: Iterator[Deployment], enter: Enter, counter_id: str
) -> None:
    """Once its key is revoked the service refuses everything, and tells neither its callers nor its log the key."""
    first, key = next(deployments), {"Idempotency-Key": uuid7()}
    with Api(first.service.url) as api:
        before = [api.post(f"/{strategy}/{counter_id}-{strategy}") for strategy in EXACT]
        first.operator.security.invalidate_api_key(ids=[first.key])
        answers = ask_all(api, counter_id, key)
        ready = api.get("/readyz")

    assert [1] * len(EXACT) == [answer.json()["value"] for answer in before]
    first.refused(*answers, ready)
    with Api(next(deployments).service.url) as api:
        replay_each(api, enter, counter_id, key, 1, "API key revoked")


def test_a_deleted_index_is_not_made_anew(
    deployments: Iterator[Deployment], enter: Enter, counter_id: str
) -> None:
    """Where the index is gone the service refuses everything, and no write brings it back."""
    deployment, key = next(deployments), {"Idempotency-Key": uuid7()}
    indices = deployment.operator.indices
    indices.delete(index=index_name(ALIAS))
    with Api(deployment.service.url) as api:
        answers = ask_all(api, counter_id, key)
        ready = api.get("/readyz")
        left = dict(indices.get(index="*"))
        create_index(deployment.operator, ALIAS)

        deployment.refused(*answers, ready)
        assert {} == left
        replay_each(api, enter, counter_id, key, 0, "index deleted")

"""The example client of docs/examples, against a real service that loses what it can."""

import subprocess
import sys
from pathlib import Path

from docs.examples.count_once import count_once, counting_session
from tests.api import Api
from tests.keys import uuid7
from tests.proxy import Exchange, Proxy, proxy_to

ROOT = Path(__file__).parent.parent.parent


def test_counts(service_url: str, api: Api, counter_id: str) -> None:
    """As a program, it says what the counter has come to."""
    command = [sys.executable, str(ROOT / "docs/examples/count_once.py"), service_url, counter_id]
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]

    assert ["1\n", "2\n"] == said
    assert 2 == api.value_of(counter_id)


def test_counts_once_whatever_is_lost_before_the_service(service_url: str, api: Api, counter_id: str) -> None:
    """Replies that are lost or broken between it and the service cost a repetition, and nothing else."""
    faults = iter([lost, bad_gateway, unsent, lost])

    def handle(exchange: Exchange) -> None:
        next(faults, Exchange.forward)(exchange)

    with proxy_to(service_url) as before_service, counting_session() as session:
        before_service.handle = handle
        value = count_once(session, before_service.url, counter_id, key=uuid7(), by=5)

    assert 5 == value == api.value_of(counter_id)
    assert next(faults, None) is None


def test_counts_once_whatever_is_lost_behind_the_service(
    proxied_api: Api, proxy: Proxy, api: Api, counter_id: str
) -> None:
    """Nor does it matter what is lost between the service and Elasticsearch, for longer than the service repeats."""
    writes = []

    def handle(exchange: Exchange) -> None:
        exchange.forward()
        if exchange.is_write:
            writes.append(exchange)
            if len(writes) <= 12:  # the service under test tries ten times
                exchange.lose()

    proxy.handle = handle
    with counting_session() as session:
        value = count_once(session, proxied_api.base, counter_id, key=uuid7())

    assert 1 == value == api.value_of(counter_id)
    assert len(writes) > 12


def lost(exchange: Exchange) -> None:
    """It is done and the connection closed."""
    exchange.forward()
    exchange.lose()


def unsent(exchange: Exchange) -> None:
    """It is not even done."""
    exchange.lose()


def bad_gateway(exchange: Exchange) -> None:
    """It is done and a gateway says that it was not."""
    exchange.forward()
    exchange.answer(502, {})

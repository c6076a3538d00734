"""The experiment that the service exists for, over HTTP: five clients, fifty increments each."""

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.api import Api

CLIENTS = 5
INCREMENTS = 50
TOTAL = CLIENTS * INCREMENTS


def test_counts_every_increment_of_racing_clients(service_url: str, counter_id: str, strategy: str) -> None:
    """Clients that are released at once leave the exact total, and each value is answered exactly once."""
    barrier = threading.Barrier(CLIENTS)

    def increment(api: Api) -> list[int]:
        barrier.wait()
        answers = [api.post(f"/{strategy}/{counter_id}") for _ in range(INCREMENTS)]
        return [answer.json()["value"] for answer in answers if answer.status_code == 200]

    with ThreadPoolExecutor(CLIENTS) as clients:
        answered = clients.map(increment, [Api(service_url) for _ in range(CLIENTS)])
        values = [value for of_client in answered for value in of_client]

    assert TOTAL == Api(service_url).value_of(counter_id)
    assert list(range(1, TOTAL + 1)) == sorted(values)

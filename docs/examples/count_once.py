"""Counts a thing exactly once, whatever is lost on the way: a key, and a session that repeats the request.

    pip install requests uuid-utils
    python docs/examples/count_once.py http://127.0.0.1:8000 page-views

From Python 3.14 on, uuid.uuid7 of the standard library does as well as uuid-utils.
"""

import sys

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry
from uuid_utils import uuid7

# What matters. It is safe only because of the key: a POST without one must not be repeated like that. The growing waits
# reach further than a Retry-After of a second each time would.
REPEAT = Retry(
    total=8,
    backoff_factor=0.1,
    status_forcelist=[408, 429, 500, 502, 503, 504],
    allowed_methods=["POST"],
    respect_retry_after_header=False,
)


def counting_session() -> requests.Session:
    """Return a session that repeats a request until it is answered: eight times, with waits that grow to 13 s.

    Where the service asks for a token, put it into ``session.headers["Authorization"]`` as ``Bearer TOKEN``.
    """
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=REPEAT))
    session.mount("https://", HTTPAdapter(max_retries=REPEAT))
    return session


def count_once(session: requests.Session, url: str, counter_id: str, key: str, by: int = 1) -> int:
    """Add to a counter, and return its value right after that.

    Args:
        session: From `counting_session`.
        url: The service's.
        counter_id: Which counter.
        key: A UUIDv7 made for this increment. What must survive a crash of this program stores the key first, with
            whatever it is that it counts.
        by: What to add.

    Raises:
        requests.RequestException: It was refused, or not answered in all that time. The same call may be made again;
            with a new key it may count twice.
    """
    answer = session.post(
        f"{url}/scripted/{counter_id}",
        json={"by": by},
        headers={"Idempotency-Key": f'"{key}"'},
        timeout=30,
    )
    answer.raise_for_status()
    value: int = answer.json()["value"]
    return value


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004 - itself, and two arguments
        sys.exit("usage: count_once.py URL COUNTER")
    with counting_session() as session:
        print(count_once(session, sys.argv[1], sys.argv[2], key=str(uuid7())))

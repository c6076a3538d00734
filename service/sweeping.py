"""Removes, from time to time, what deleted counters leave behind once nobody may ask for it any more.

A deleted counter keeps its log of operations, so that a late repetition does not bring it back. Keys older than
`service.operations.MAX_AGE` are refused whatever the log says, so a log that old is of no use.
"""

import logging
import random
import threading
import time
from typing import Final

from elasticsearch import Elasticsearch

from service import tracing
from service.operations import MAX_AGE
from service.settings import Settings
from service.storage.client import connect
from service.storage.tombstones import remove_tombstones

INTERVAL: Final = 600.0
"""Seconds from one sweep of a worker to its next, at most; each waits for at least half of it."""

SLACK: Final = 300.0
"""Seconds that a log is kept beyond that: so much may the clocks of replicas differ, requests under way included."""

logger = logging.getLogger(__name__)


def start(settings: Settings) -> None:
    """Sweep now and then regularly, in a thread of this process that ends with it.

    Every worker of every replica does so. None needs to know of the others: what one has removed is gone. It leaves
    no span, for it is no request's.
    """
    with tracing.without_calls():
        client = connect(settings)
    what = (client, settings.counters_alias)
    threading.Thread(target=_sweep_for_good, args=what, name="sweeping", daemon=True).start()


def _sweep_for_good(client: Elasticsearch, alias: str) -> None:
    while True:
        try:
            removed = remove_tombstones(client, alias, deleted_before=time.time() - MAX_AGE - SLACK)
            if removed:
                logger.info("logs of deleted counters removed", extra={"removed": removed})
        except Exception:
            # Whatever it was, it must not end the sweeping; another worker or the next time will do it.
            logger.exception("logs of deleted counters could not be removed")
        time.sleep(random.uniform(INTERVAL / 2, INTERVAL))  # noqa: S311 - not for secrets

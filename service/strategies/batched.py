"""Send the additions of all who wait as one. Prevents the *lost update*, and the queue before a hot counter.

The requests that a worker serves at the same time go into one write, in which Elasticsearch runs the script of
``/scripted`` with all their amounts, and each is answered with its own value once that write is acknowledged. So the
work of Elasticsearch grows with the number of writes and not of increments, and those who share a counter help each
other instead of getting in each other's way. A lone request waits for nobody.
"""

from service.counters import Increment, Incremented
from service.retries import Retries
from service.storage.protocol import Additions
from service.strategies import scripted


def increment(storage: Additions, asked: Increment, retries: Retries) -> Incremented:
    """Add to a counter as ``/scripted`` does, in company: that is up to the ``storage``, a `GroupCommit`.

    Raises:
        ConflictsNotResolved: Writers of other processes came first each time, until the retries were used up.
    """
    return scripted.increment(storage, asked, retries)

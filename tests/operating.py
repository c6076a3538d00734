"""Someone who looks after a cluster, and knows where the counters are."""

from dataclasses import dataclass
from typing import Final, Self

from elasticsearch import Elasticsearch

from localnode import Cluster, Node

ALIAS: Final = "counters"


@dataclass(frozen=True, slots=True)
class Copies:
    """The nodes that hold the counters."""

    primary: Node
    replica: Node


class Operator(Elasticsearch):
    """A client of a cluster, of whose nodes some are dead at times."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(list(cluster.urls), request_timeout=90, retry_on_timeout=True)
        self._nodes = {node.name: node for node in cluster.nodes}

    def __enter__(self) -> Self:
        return self

    def copies(self) -> Copies:
        """Return where the primary is, and where its replica, once both are in step."""
        self.cluster.health(index=ALIAS, wait_for_status="green", timeout="60s")
        found = self.search_shards(index=ALIAS)
        where = {
            copy["primary"]: self._nodes[found["nodes"][copy["node"]]["name"]] for copy in found["shards"][0]
        }
        return Copies(primary=where[True], replica=where[False])

"""Real Elasticsearch nodes on this machine, without Docker.

For `make run`, the tests, the load tests and the fault tests::

    python -m localnode run -- sh -c 'python -m service init && exec gunicorn'

    with localnode.cluster(nodes=3, secure=True) as cluster:
        cluster.urls, cluster.ca_certs, cluster.username, cluster.password
        node = cluster.nodes[0]
        node.kill()
        node.start()
        node.wait_until_ready()

A node comes from a folder, a cache, Elastic's official archive or a Maven artifact, in this order. It listens on
127.0.0.1 only, and ends with the process that started it, however that ends.

What the environment may say:

=========================  =========================================================================================
`ELASTICSEARCH_URL`        An Elasticsearch that runs already: `run` uses it and starts no node.
`ES_HOME`                  An unpacked Elasticsearch to start nodes from.
`ES_JAVA_HOME`             A full JDK of version 21 or newer, for an Elasticsearch that brings none.
`LOCALNODE_CACHE`          Where a fetched Elasticsearch is kept. By default `/var/cache/es-counters` for root, and
                           `~/.cache/es-counters` (or the same below `XDG_CACHE_HOME`) for others.
`LOCALNODE_DOWNLOAD_URL`   A place that holds the official archives and their `.sha512` files, a mirror say.
`HTTPS_PROXY`, `NO_PROXY`  As usual.
=========================  =========================================================================================
"""

from localnode.clusters import Cluster, cluster
from localnode.errors import LocalNodeError, NodeDiedError
from localnode.node import Node
from localnode.version import VERSION

__all__ = ["VERSION", "Cluster", "LocalNodeError", "Node", "NodeDiedError", "cluster"]

"""Real Elasticsearch nodes on this machine, without Docker.

For `make run`, the tests, the load tests and the fault tests::

    python -m localnode run -- sh -c 'python -m service init && exec gunicorn …'

    with localnode.cluster(nodes=3, secure=True) as cluster:
        cluster.urls, cluster.ca_certs, cluster.username, cluster.password
        node = cluster.nodes[0]
        node.kill()
        node.start()
        node.wait_until_ready()

A node comes from `ES_HOME`, a cache, Elastic's official archive or a Maven artifact, in this order. It listens
on 127.0.0.1 only, and ends with the process that started it, however that ends.
"""

from localnode.clusters import Cluster, cluster
from localnode.errors import LocalNodeError, NodeDiedError
from localnode.node import Node

__all__ = ["Cluster", "LocalNodeError", "Node", "NodeDiedError", "cluster"]

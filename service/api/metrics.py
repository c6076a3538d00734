"""What Prometheus asks for. With tokens configured it takes one with the scope to read, like any other GET."""

from typing import Final

from flask import Flask, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from service import metrics

PATH: Final = "/metrics"


def serve_metrics(app: Flask) -> None:
    """Serve the metrics at `PATH`, in Prometheus' text format."""

    @app.get(PATH)
    def exposition_of_metrics() -> Response:
        return Response(metrics.exposition(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

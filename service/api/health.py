"""Whether the process lives, and whether it should be sent requests."""

from flask import Response, jsonify

from service import draining
from service.api.blueprint import ApiBlueprint
from service.api.schemas import StatusSchema
from service.errors import StorageUnavailable
from service.storage.protocol import CounterRepository


def health_blueprint(repository: CounterRepository) -> ApiBlueprint:
    """Return the paths ``/healthz`` and ``/readyz``."""
    blueprint = ApiBlueprint("health", __name__)

    @blueprint.route("/healthz", methods=["GET"])
    @blueprint.response(200, StatusSchema)
    @blueprint.doc(operationId="health")
    def healthz() -> Response:
        """Say that the process lives; nothing else is touched."""
        return jsonify(status="alive")

    @blueprint.route("/readyz", methods=["GET"])
    @blueprint.response(200, StatusSchema)
    @blueprint.rejects(503)
    @blueprint.doc(operationId="readiness")
    def readyz() -> Response:
        """Say whether Elasticsearch and the index are there; no longer once a shutdown has begun."""
        if draining.has_begun():
            raise StorageUnavailable("The service is shutting down.")
        repository.check()
        return jsonify(status="ready")

    return blueprint

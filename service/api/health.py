"""Whether the process lives, and whether it should be sent requests."""

from flask import Response

from service import draining
from service.api.blueprint import ApiBlueprint
from service.api.components import answer
from service.api.json_answer import as_json
from service.api.schemas import StatusSchema
from service.errors import StorageUnavailable
from service.storage.protocol import CounterRepository


def health_blueprint(repository: CounterRepository) -> ApiBlueprint:
    """Return the paths ``/healthz`` and ``/readyz``."""
    blueprint = ApiBlueprint("health", __name__, description="For balancers and orchestrators.")

    @blueprint.route("/healthz", methods=["GET"])
    @blueprint.describe("health", answers={200: answer("It lives.", StatusSchema)})
    def healthz() -> Response:
        """Say whether the process lives.

        Elasticsearch is not asked: a restart of the service would not mend it.
        """
        return as_json({"status": "alive"})

    @blueprint.route("/readyz", methods=["GET"])
    @blueprint.describe("readiness", answers={200: answer("It is ready.", StatusSchema)}, rejects=[503])
    def readyz() -> Response:
        """Say whether requests can be served.

        It needs Elasticsearch and the index to be there, and ends as soon as a shutdown has begun.
        """
        if draining.has_begun():
            raise StorageUnavailable("The service is shutting down.")
        repository.check()
        return as_json({"status": "ready"})

    return blueprint

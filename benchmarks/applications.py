"""Another application in the service's place, under the same gunicorn with the same configuration."""

import os
from collections.abc import Mapping
from typing import Final

CONFIGURATION: Final = "--config benchmarks/gunicorn_conf.py"


def in_place_of_the_service(application: str) -> Mapping[str, str]:
    """Return the settings, as for `localnode.serving.serving`, under which ``module:application`` is served."""
    arguments = f"{os.environ.get('GUNICORN_CMD_ARGS', '')} {CONFIGURATION}"
    return {"BENCHMARK_APP": application, "GUNICORN_CMD_ARGS": arguments}

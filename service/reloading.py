"""Settings that can be changed while the service runs, and a mistake in them that cannot end it.

At a SIGHUP gunicorn's master reads its configuration again and replaces its workers. It ends if that fails, and
likewise if a worker cannot start. So the master alone reads the settings, keeps the last ones that were right, and
hands them on to its workers, which are forked from it.
"""

import logging
import sys

from environs import EnvError
from flask import Flask

from service.app import create_app
from service.settings import Settings

logger = logging.getLogger(__name__)

_kept: Settings | None = None


def settings() -> Settings:
    """Read the settings, or return the last ones that were right if they are wrong now; the log says why.

    Raises:
        SystemExit: They are wrong, and have been since the start.
    """
    global _kept  # noqa: PLW0603 - what the workers inherit has to be the module's
    try:
        _kept = Settings.from_env()
    except EnvError as error:
        if _kept is None:
            sys.exit(f"The settings are refused: {error}")
        logger.error("The settings are refused, and the former ones stay: %s", error)  # noqa: TRY400
    return _kept


def app() -> Flask:
    """Return the service with the settings that the master has read."""
    return create_app(_kept)

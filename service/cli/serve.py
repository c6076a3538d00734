"""``es-counters serve``: gunicorn, as gunicorn.conf.py has it."""

import os
import sys
from pathlib import Path
from typing import Final

import click

import service
from service.settings import Settings

NAME: Final = "gunicorn.conf.py"


def configuration() -> Path:
    """Return the path of gunicorn.conf.py: within the package where that is installed, else beside it.

    A path and not a module, because gunicorn reads it anew at a SIGHUP.

    Raises:
        FileNotFoundError: It is in neither place.
    """
    package = Path(service.__file__).parent
    for folder in (package, package.parent):
        if (folder / NAME).is_file():
            return folder / NAME
    raise FileNotFoundError(f"{NAME} is neither in {package} nor beside it: the installation is not whole.")


@click.command()
def serve() -> None:
    """Serve, until SIGTERM or Ctrl-C.

    The process becomes gunicorn's master. What it serves, where, and with how many workers is up to the settings;
    gunicorn's own options can be given in GUNICORN_CMD_ARGS. The index has to be there: see `es-counters init`.

    \b
    Examples:
      es-counters serve
      PORT=9000 WORKERS=4 es-counters serve
      GUNICORN_CMD_ARGS="--pid gunicorn.pid" es-counters serve
    """  # noqa: D301 - click's mark of a paragraph that stays as it is
    Settings.from_env()  # so that what is wrong with them is said as every command says it
    # gunicorn takes the place of this process, and so gets its signals.
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "--config", str(configuration())])  # noqa: S606 - no shell

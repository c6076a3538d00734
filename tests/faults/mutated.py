"""Gunicorn's configuration for a mutant: the service's own, with another application."""

import os
import runpy
from pathlib import Path

globals().update(runpy.run_path(str(Path(__file__).parents[2] / "gunicorn.conf.py")))
wsgi_app = f"tests.faults.mutants:serve({os.environ['MUTANT']!r})"

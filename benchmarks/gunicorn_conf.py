"""The service's settings of gunicorn, with another application: what ``BENCHMARK_APP`` names, "module:factory()"."""

import os
import runpy
from pathlib import Path

_service = runpy.run_path(str(Path(__file__).parent.parent / "gunicorn.conf.py"))
globals().update({name: value for name, value in _service.items() if not name.startswith("__")})
wsgi_app = os.environ["BENCHMARK_APP"]

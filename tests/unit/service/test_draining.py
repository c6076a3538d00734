"""The shutdown is the master's to begin."""

import subprocess
import sys

FORK = """
import os, signal
from service import draining

signal.signal(signal.SIGTERM, lambda *_: None)  # as gunicorn's own
draining.prepare(0.0, lambda: print("closed", flush=True))
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGTERM)  # before the worker has handlers of its own
    os._exit(9)
status = os.waitpid(child, 0)[1]
print(os.waitstatus_to_exitcode(status), draining.has_begun(), flush=True)
os.kill(os.getpid(), signal.SIGTERM)
print(draining.has_begun(), flush=True)
"""


def test_a_worker_that_is_told_to_end_while_it_starts_ends_alone() -> None:
    """What master and workers share is left as it is; the master's own SIGTERM begins the shutdown."""
    said = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True).stdout

    assert ["0 False", "closed", "True"] == said.splitlines()

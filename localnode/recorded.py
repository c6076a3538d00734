"""Starts programs that are on record before they do anything, so that whoever finds the record can end them."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localnode.processes import ProcessId

# Waits for a line before it becomes the program, and the line comes once its number is on record. If we are killed
# before that, it reads the end of the file and goes away. So nothing ever runs unrecorded.
_GATE = 'read -r go && exec "$@" </dev/null'


def start(command: Sequence[str], record: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start a program without input, its identity saved to `record`; return at once.

    Args:
        command: The program and its arguments.
        record: The file to write.
        options: What else `subprocess.Popen` is to know; not `stdin`.
    """
    gate, key = os.pipe()
    try:
        process = subprocess.Popen(["/bin/sh", "-c", _GATE, "localnode", *command], stdin=gate, **options)
        identity = ProcessId.of(process.pid)
        if identity is not None:
            identity.save(record)
        os.write(key, b"go\n")
    finally:
        os.close(gate)
        os.close(key)
    return process

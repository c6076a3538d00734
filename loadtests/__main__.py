"""``python -m loadtests``: the load test without Locust's web UI, and with every option that Locust has."""

import os
import sys
from pathlib import Path

from locust.main import main

if __name__ == "__main__":
    locustfile = Path(__file__).with_name("locustfile.py")
    # The verdict is what was asked for. As a variable, so that both --loglevel and the caller's own prevail.
    os.environ.setdefault("LOCUST_LOGLEVEL", "WARNING")
    sys.argv[1:1] = ["-f", str(locustfile), "--headless", "--only-summary"]
    main()  # type: ignore[no-untyped-call]  # Locust leaves it untyped

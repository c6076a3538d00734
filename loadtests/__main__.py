"""``python -m loadtests``: the load test without Locust's web UI, and with every option that Locust has."""

import sys
from pathlib import Path

from locust.main import main

if __name__ == "__main__":
    locustfile = Path(__file__).with_name("locustfile.py")
    sys.argv[1:1] = ["-f", str(locustfile), "--headless", "--only-summary"]
    main()  # type: ignore[no-untyped-call]  # Locust leaves it untyped

#!/usr/bin/env python3
"""What the image's HEALTHCHECK runs: exit code 0 if the service in this container answers 200, else 1.

HEALTHCHECK_PATH says which path is asked, PORT where. Not curl, which slim images lack; and not urllib, which would
ask the proxy that the environment may name.
"""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException


def main() -> int:
    """Ask once, and print what came back: ``docker inspect`` shows it."""
    connection = HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=4)
    try:
        connection.request("GET", os.environ["HEALTHCHECK_PATH"])
        response = connection.getresponse()
        sys.stdout.write(f"{response.status} {response.read(500).decode()}\n")
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"{error!r}\n")
        return 1
    return 0 if response.status == HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())

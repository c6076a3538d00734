"""The options that this load test adds to Locust's, and the defaults it gives to Locust's own."""

from argparse import Namespace

from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.plan import positive
from loadtests.verdict import STRATEGIES


def add_options(parser: LocustArgumentParser) -> None:
    """Extend Locust's command line, and with it the form of its web UI."""
    # Not in a group: only what is added to the parser itself appears in the web UI's form.
    parser.add_argument(
        "--increments",
        type=positive,
        default=50,
        metavar="K",
        help="Increments that each user makes, one after another (50).",
    )
    parser.add_argument(
        "--strategy",
        nargs="+",
        choices=list(STRATEGIES),
        default=list(STRATEGIES),
        is_multiple=True,
        help="Strategies to drive, one after another (all).",
    )
    parser.add_argument("--by", type=positive, default=1, metavar="N", help="What each increment adds (1).")
    parser.add_argument(
        "--request-timeout",
        type=float,
        default=30.0,
        metavar="S",
        help="Seconds after which a request's outcome counts as unknown (30).",
    )
    parser.add_argument(
        "--keys",
        action="store_true",
        help="Give each increment an idempotency key, and replay it until it is answered; naive can't, and doesn't.",
    )
    parser.add_argument(
        "--replay-for",
        type=float,
        default=60.0,
        metavar="S",
        help="Seconds after which an increment with a key isn't replayed any more (60).",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        default=None,
        env_var="LOCUST_TOKEN_FILE",
        help="File with a token that may do everything, where the service asks for one.",
        include_in_web_ui=False,
    )
    parser.add_argument("--keep-counters", action="store_true", help="Don't delete the counters after a run.")
    parser.add_argument(
        "--output",
        default="build/load",
        metavar="DIR",
        help="Folder for the report's files (build/load).",
        include_in_web_ui=False,
    )
    # Locust's own: what the tutorial's experiment has, and long enough for requests in flight to end by
    # themselves. Locust's default for the latter, 0, would kill users in the middle of a request. And its web UI,
    # which asks nobody who they are, is for this machine unless --web-host says otherwise.
    parser.set_defaults(host="http://127.0.0.1:8000", num_users=5, stop_timeout=10.0, web_host="127.0.0.1")


def options_of(environment: Environment) -> Namespace:
    """The parsed options, which only a Locust that is used as a library has not.

    Raises:
        RuntimeError: if there are none.
    """
    options: Namespace | None = environment.parsed_options
    if options is None:
        raise RuntimeError("this load test has to be started from Locust's command line")
    return options

"""``es-counters race``: the lost update, to be seen."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from environs import FileAwareEnv

from service.cli.bars import bar
from service.cli.racing import Course, NotDone, RaceError
from service.cli.verdict import Result
from service.strategies import STRATEGIES

WIDTH: Final = 40
"""Characters of a whole bar."""


def _is_url(_ctx: click.Context, _option: click.Parameter, url: str) -> str:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # of its host or its port
        is_whole = False
    if not is_whole or parts.username is not None or parts.query or parts.fragment or " " in url:
        raise click.BadParameter(
            "It must begin with http:// or https:// and a host, and have no user, password or query."
        )
    return url


@click.command()
@click.option(
    "--url",
    callback=_is_url,
    default="http://127.0.0.1:8000",
    envvar="SERVICE_URL",
    show_default=True,
    show_envvar=True,
    help="Where the service is.",
)
@click.option(
    "--clients",
    type=click.IntRange(1, 256),
    default=5,
    show_default=True,
    help="How many there are at a time.",
)
@click.option(
    "--increments", type=click.IntRange(1), default=50, show_default=True, help="How many each of them makes."
)
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    type=click.Choice([*STRATEGIES]),
    default=[*STRATEGIES],
    help="Which strategy to let race; may be repeated.  [default: each in turn]",
)
@click.option(
    "--prefix",
    default="race-",
    show_default=True,
    metavar="TEXT",
    help="What the ids of its counters begin with, where a token is for such ids alone.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with a token of the scope admin, where the service asks for one.",
)
def race(  # noqa: PLR0913 - one for each option
    *,
    url: str,
    clients: int,
    increments: int,
    strategies: tuple[str, ...],
    prefix: str,
    token_file: Path | None,
) -> None:
    """Let clients increment a counter at once, and compare what it holds with what it should.

    Each strategy has a counter of its own, made for the race and deleted after it. The clients ask a running service
    over HTTP, each for one increment by 1 after the other. Instead of --token-file there may be SERVICE_TOKEN_FILE, or
    the token itself in SERVICE_TOKEN.

    Exit codes: 0 every strategy did what it promises, naive among them, which may lose; 1 one did not, or the race
    could not be held.

    \b
    Examples:
      es-counters race
      es-counters race --clients 32 --strategy occ --strategy batched
      es-counters race --url https://counters.example --token-file admin.token
    """  # noqa: D301 - click's mark of a paragraph that stays as it is
    course = Course(url, _token(token_file), clients)
    results = []
    click.echo(f"{clients} clients of {url} race, with {increments} increments each.", err=True)
    try:
        for strategy in strategies:
            with _counter(course, prefix, strategy) as counter_id:
                results.append(_let_race(course, strategy, counter_id, clients, increments))
    except RaceError as error:
        raise click.ClickException(str(error)) from error
    click.echo()
    for result in results:
        click.echo(_bar(result))
    click.echo()
    for result in results:
        click.echo(str(result))
    if not all(result.holds for result in results):
        raise click.ClickException("Not every strategy did what it promises.")


def _token(file: Path | None) -> str | None:
    try:
        text = file.read_text("utf-8") if file else FileAwareEnv().str("SERVICE_TOKEN", None)
    except UnicodeError:
        text = ""
    except ValueError as error:  # as environs raises for a file that is not there
        raise click.UsageError(str(error)) from error
    if text is None:
        return None
    words = text.split()
    if len(words) != 1 or not words[0].isascii() or not words[0].isprintable():
        raise click.UsageError("The token must be one word, with nothing else beside it.")
    return words[0]


@contextmanager
def _counter(course: Course, prefix: str, strategy: str) -> Iterator[str]:
    """Make a counter that nobody else uses, and delete it in the end."""
    counter_id = f"{prefix}{strategy}-{secrets.token_hex(8)}"
    try:
        course.make(counter_id)
    except NotDone:
        raise
    except BaseException:  # its answer is lost, or not waited for: it may be there
        _delete(course, counter_id)
        raise
    try:
        yield counter_id
    finally:
        _delete(course, counter_id)


def _delete(course: Course, counter_id: str) -> None:
    try:
        course.delete(counter_id)
    except RaceError as error:
        click.echo(f"The counter {counter_id} may be left behind: {error}", err=True)


def _let_race(course: Course, strategy: str, counter_id: str, clients: int, increments: int) -> Result:
    expected = clients * increments
    acknowledged = unknown = refused = conflicts = highest = 0
    with (
        bar(
            length=expected,
            label=f"/{strategy:<9}",
            item_show_func=lambda lost: f"{lost} lost" if lost else "none lost",
            show_eta=False,
            show_pos=True,
        ) as shown,
        closing(course.run(strategy, counter_id, increments)) as answers,
    ):
        for answer in answers:
            if answer.value is not None:
                acknowledged += 1
                highest = max(highest, answer.value)
            elif answer.unknown:
                unknown += 1
            else:
                refused += 1
            conflicts += answer.conflicts
            # No more than that is in the counter, or ever was.
            shown.update(1, max(0, acknowledged - highest))
    return Result(
        strategy=strategy,
        is_exact=STRATEGIES[strategy].exactly_once,
        expected=expected,
        acknowledged=acknowledged,
        refused=refused,
        unknown=unknown,
        conflicts=conflicts,
        stored=course.read(counter_id),
    )


def _bar(result: Result) -> str:
    filled = min(WIDTH, WIDTH * max(0, result.stored) // result.expected)
    return (
        f"/{result.strategy:<9} {'█' * filled}{'░' * (WIDTH - filled)} {result.stored} of {result.expected}"
    )

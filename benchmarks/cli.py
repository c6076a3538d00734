"""The command line, ``python -m benchmarks``: measures on the Elasticsearch of ``ELASTICSEARCH_URL``, or on its own."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import click
from click.core import ParameterSource
from elasticsearch import ApiError, TransportError
from environs import EnvError

from benchmarks import http_path, load, profiling, report, scaling, tables, targets, watching, window
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Cell
from benchmarks.machine import facts
from benchmarks.peers import postgres_programs, redis_program
from benchmarks.ratios import ratios_of
from benchmarks.running import Plan, run
from benchmarks.soak import MINUTES, USUAL, soak
from localnode.errors import LocalNodeError
from service.errors import CounterError

QUICK: Final = {
    "connections": (1, 32),
    "percents": (90,),
    "repeats": 1,
    "seconds": 0.8,
    "rate_seconds": 1.0,
    "warm_up": 0.2,
    "prepare": 15.0,
}
"""Enough to see that everything works, and not enough to believe the figures."""


def numbers_to(most: int) -> Callable[[str | tuple[int, ...]], tuple[int, ...]]:
    """Return what reads whole numbers with commas between, each from 1 to a maximum: sorted, and each once."""

    def numbers(value: str | tuple[int, ...]) -> tuple[int, ...]:
        if isinstance(value, tuple):  # a default
            return value
        try:
            found = tuple(sorted({int(word) for word in value.split(",")}))
        except ValueError:
            found = ()
        if not found or found[0] < 1 or found[-1] > most:
            raise click.BadParameter(
                f"{value!r} must be whole numbers from 1 to {most:,} with commas between."
            )
        return found

    return numbers


class Group(click.Group):
    """Shows what went wrong as one sentence, without a traceback, and ends what was started when it is terminated."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
        try:
            return super().invoke(ctx)
        except (BenchmarkError, LocalNodeError, CounterError, EnvError, OSError) as error:
            raise click.ClickException(str(error)) from error
        except (ApiError, TransportError) as error:
            raise click.ClickException(f"Elasticsearch failed: {error}") from error


def _quickly(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        ctx.default_map = QUICK


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure the service side by side with what it is compared with."""


TUNING: Final = (
    "CONFLICT_BACKOFF_BASE",
    "CONFLICT_BACKOFF_CAP",
    "CONFLICT_MAX_ATTEMPTS",
    "ELASTICSEARCH_TIMEOUT",
    "GUNICORN_CMD_ARGS",
    "IDEMPOTENCY_LOG_SIZE",
    "MAX_WAITING",
    "REQUEST_TIMEOUT",
    "SCRIPTED_RETRY_ON_CONFLICT",
)
"""Settings of the service that the environment may hold, and that change figures."""

SECONDS: Final = click.FloatRange(min=0.1, max=3600)
PLAN: Final = Plan()


@main.command("run", context_settings={"show_default": True})
@click.option("--peers", is_flag=True, help="Measure Redis and PostgreSQL as well.")
@click.option(
    "--quick", is_flag=True, is_eager=True, expose_value=False, callback=_quickly, help="See that it works."
)
@click.option("--connections", type=numbers_to(1000), default=PLAN.connections, help="Connections.")
@click.option("--workers", type=numbers_to(64), default=PLAN.workers, help="Workers of gunicorn.")
@click.option("--counters", type=numbers_to(100_000), default=PLAN.counters, help="Counters.")
@click.option(
    "--percents",
    type=numbers_to(100),
    default=PLAN.percents,
    help="Parts of the maximum, for constant rates.",
)
@click.option(
    "--repeats", type=click.IntRange(1, 100), default=PLAN.repeats, help="How often all is measured."
)
@click.option(
    "--seconds", type=SECONDS, default=PLAN.seconds, help="For a closed loop, its warm-up included."
)
@click.option(
    "--rate-seconds", type=SECONDS, default=PLAN.rate_seconds, help="For a constant rate, likewise."
)
@click.option(
    "--warm-up", type=click.FloatRange(min=0.0), default=PLAN.warm_up, help="Seconds that do not count."
)
@click.option(
    "--prepare",
    type=SECONDS,
    default=PLAN.prepare,
    help="Seconds of load on Elasticsearch before anything counts.",
)
@click.option("--threads", type=click.IntRange(1, 1024), default=PLAN.threads, help="Threads of a worker.")
def run_(*, peers: bool, **options: Any) -> None:
    """Measure everything, print it with the goals, and keep it in build/ as JSON.

    The exit code is 1 if increments were lost or doubled that must not be; a missed goal is reported.
    """
    plan = Plan(**options)
    if plan.warm_up >= min(plan.seconds, plan.rate_seconds):
        raise click.UsageError("--warm-up must be shorter than --seconds and --rate-seconds.")
    load.wrk()
    chosen = targets.of_the_service()
    if peers:
        chosen += targets.peers()
        redis_program()
        postgres_programs()
    _have_elasticsearch()
    results = run(chosen, plan, command=_typed("bench-peers" if peers else "bench"), tell=_tell)
    results.save(report.RUN)
    click.echo(report.on_terminal(results))
    inexact = {target.name for target in chosen if not target.exact}
    broken = [
        each for each in results.measurements if each.target not in inexact and (each.lost or each.doubled)
    ]
    if broken:
        raise BenchmarkError(f"Increments were lost or doubled, for the first time here: {broken[0]}")
    ratios = ratios_of(results)
    verdicts = [ratio.is_met for ratio in ratios]
    said = f"{verdicts.count(True)} of {len(ratios)} goals are met, {verdicts.count(None)} undecided"
    click.echo(
        f"\n{said if tables.is_believable(results) else 'Whether the goals are met is not to be told from so little'};"
        " nothing was lost or doubled that must not be."
    )


@main.command("soak", context_settings={"show_default": True})
@click.option(
    "--strategy",
    type=click.Choice([target.name for target in targets.strategies()]),
    default=targets.strategies()[-1].name,
    help="What is put under load.",
)
@click.option("--minutes", type=click.FloatRange(min=0.5, max=1440), default=MINUTES, help="For how long.")
@click.option("--workers", type=click.IntRange(1, 64), default=USUAL.workers, help="Workers of gunicorn.")
@click.option("--connections", type=click.IntRange(1, 1000), default=USUAL.connections, help="Connections.")
@click.option("--counters", type=click.IntRange(1, 100_000), default=USUAL.counters, help="Counters.")
@click.option("--threads", type=click.IntRange(1, 1024), default=PLAN.threads, help="Threads of a worker.")
def soak_(strategy: str, *, minutes: float, threads: int, **circumstances: int) -> None:
    """Keep one strategy busy: does the memory of a worker grow, does anything fail, is anything lost or doubled?

    The exit code is 1 if so. A piece of it takes longer than a request may, so that one that starves does fail.
    """
    target = next(target for target in targets.strategies() if target.name == strategy)
    load.wrk()
    _have_elasticsearch()
    about = {**facts([load.version()]), "command": _typed("soak")}
    soaked = soak(target, Cell(**circumstances), minutes=minutes, threads=threads, tell=_tell)
    kept = {**asdict(soaked), "growth": soaked.growth, "holds": soaked.holds, "about": about}
    report.SOAK.parent.mkdir(exist_ok=True)
    report.SOAK.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    click.echo(report.of_soak(kept, tables.in_columns))
    sys.exit(0 if soaked.holds else 1)


@main.command("profile")
def profile_() -> None:
    """Profile workers under load, and put it into docs/benchmarks.md."""
    load.wrk()
    redis_program()
    _have_elasticsearch()
    profiling.main()


@main.command("profile-slowest")
def profile_slowest_() -> None:
    """Watch what requests wait for, and the slowest of them, and put it into docs/benchmarks.md."""
    load.wrk()
    _have_elasticsearch()
    watching.main()


@main.command("http")
def http_() -> None:
    """Measure what a request costs beside a bare Flask route, in processor time of a worker."""
    http_path.main()


@main.command("window")
def window_() -> None:
    """Measure what it costs to remember operations, and put it into docs/guarantees.md."""
    _have_elasticsearch()
    window.main()


@main.command("scaling")
def scaling_() -> None:
    """Measure what docs/scaling.md computes with, on three nodes, and put it there."""
    scaling.main()


@main.command()
def table() -> None:
    """Put what the last runs have measured into the documentation."""
    for file in report.into_documentation():
        click.echo(f"Put in what {file} holds.")


def _have_elasticsearch() -> None:
    """Go on if the environment names one; or begin anew under what starts one and ends it, and this, in any case."""
    if not os.environ.get("ELASTICSEARCH_URL"):
        python = [sys.executable, "-m"]
        os.execv(  # noqa: S606 - the same command again
            sys.executable,
            [*python, "localnode", "run", "--ephemeral", "--", *python, "benchmarks", *sys.argv[1:]],
        )


def _typed(target: str) -> str:
    """Return what one types for the same again: settings of the service, a target of make's, and the options given."""
    context = click.get_current_context()

    def is_given(name: str) -> bool:
        return context.get_parameter_source(name) is ParameterSource.COMMANDLINE

    words = [f"{name}={shlex.quote(os.environ[name])}" for name in TUNING if name in os.environ]
    words += ["make", target]
    if is_given("quick"):
        words.append("QUICK=1")
    options = [
        f"{each.opts[0]} {_word(context.params[each.name])}"
        for each in context.command.params
        if each.name in context.params and each.name != "peers" and is_given(each.name)
    ]
    if options:
        words.append(f'OPTIONS="{" ".join(options)}"')
    return " ".join(words)


def _word(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _tell(line: str) -> None:
    click.echo(line, err=True)

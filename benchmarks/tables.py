"""Figures as tables, for a terminal and for Markdown: rows of cells first, which both then lay out."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

from benchmarks.figures import RATE, Cell, Measurement, Results, Spread
from benchmarks.machine import sentence
from benchmarks.ratios import BATCHED, CROWDED, Ratio, where

Row = Sequence[str]

COLUMNS: Final = (
    "target",
    RATE,
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "errors",
    "conflicts",
    "a write",
    "lost",
    "doubled",
    "CPU µs: gunicorn",
    "store",
    "its JVM compiling",
    "load",
    "worker MB",
)
"""Those with a spread in them read: median (least to most)."""

ASKED: Final = "asked for/s"

BELIEVABLE: Final = 3
"""Repetitions from which on a median means something."""

GROUPS: Final = ("gunicorn", "store", "load")
"""The groups of processes whose processor time is told."""

WARNING: Final = (
    " **This was a quick run: it shows that everything works, and its figures are worth nothing.**"
)


def cells_of(results: Results) -> Iterator[tuple[str, list[Row]]]:
    """Return a table for each cell: its title, and rows that begin with `COLUMNS`; at constant rates `ASKED` too."""
    for cell in results.cells:
        head = (COLUMNS[0], ASKED, *COLUMNS[1:]) if cell.share else COLUMNS
        rows = [_row(target, found) for target in results.targets if (found := results.of(target, cell))]
        yield where(cell), [head, *rows]


def _row(target: str, found: Sequence[Measurement]) -> Row:
    batches = [each.batch for each in found if each.batch is not None]
    errors = sum(each.errors for each in found)
    kinds = sorted({status for each in found for status in each.statuses if status != "200"})
    asked = [f"{found[0].asked:,.0f}"] if found[0].cell.share else []
    return (
        target,
        *asked,
        spread_of((each.speed.rate for each in found), "{:,.0f}"),
        spread_of((each.speed.p50 for each in found), "{:,.1f}"),
        spread_of((each.speed.p99 for each in found), "{:,.1f}"),
        spread_of((each.speed.p999 for each in found), "{:,.1f}"),
        f"{errors:,} ({', '.join(kinds)})" if errors else "0",
        _sum(each.conflicts for each in found),
        spread_of(batches, "{:,.1f}") if batches else "",
        _sum(each.lost for each in found),
        _sum(each.doubled for each in found),
        _cpu(found, "gunicorn"),
        _cpu(found, "store"),
        _compiling(found),
        _cpu(found, "load"),
        f"{found[0].resident[0] / 10**6:,.0f} → {found[-1].resident[1] / 10**6:,.0f}",
    )


def _cpu(found: Sequence[Measurement], group: str) -> str:
    """Return the processor time of a request that a group of processes took; nothing if there was no such group."""
    if not any(group in each.cpu for each in found):
        return ""
    return spread_of((_microseconds(each, groups=(group,)) for each in found), "{:,.0f}")


def _compiling(found: Sequence[Measurement]) -> str:
    """Return for how many microseconds of a request the store's JVM compiled; nothing if it has none."""
    microseconds = [each.compiling_microseconds for each in found if each.compiling_microseconds is not None]
    return spread_of(microseconds, "{:,.0f}") if microseconds else ""


def spread_of(values: Iterable[float], form: str) -> str:
    """Return the median of at least one value as text, and in brackets the least and the most."""
    spread = Spread.of(values)
    median, least, most = map(form.format, (spread.median, spread.least, spread.most))
    return median if least == most else f"{median} ({least} to {most})"


def _sum(values: Iterable[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known):,}" if known else ""


VERDICTS: Final = {True: "yes", False: "no", None: "undecided"}


def ratios(found: Iterable[Ratio]) -> list[Row]:
    """Return a row for each ratio."""
    rows = [
        (each.name, each.where, f"{each.value:.2f}", _within_rounds(each), each.goal, _verdict(each))
        for each in found
    ]
    return [("ratio", "with", "of medians", "within rounds", "goal", "met"), *rows]


def rivals(found: Iterable[Ratio]) -> list[Row]:
    """Return a row for each cell in which the rate of `/batched` has goals: its ratios to others, and these."""
    rates = [each for each in found if each.target == BATCHED and each.figure == RATE]
    others = list(dict.fromkeys(each.other for each in rates))
    told = {(each.where, each.other): f"{each.value:.2f} ({each.goal}: {_verdict(each)})" for each in rates}
    rows = [
        (place, *(told.get((place, other), "") for other in others))
        for place in dict.fromkeys(each.where for each in rates)
    ]
    return [(f"{RATE}, {BATCHED} ÷", *others), *rows]


def processors(results: Results, found: Iterable[Ratio]) -> list[Row]:
    """Return a row for each goal for the rate of `/batched`: what the ratio is the product of.

    A rate is how many processors are busy, divided by the time that an increment takes of them: of those that gunicorn
    has, and of those that it, the store and the load have.
    """
    cells = {where(cell): cell for cell in results.cells}
    rows = [
        (
            each.name,
            each.where,
            f"{each.value:.2f}",
            _verdict(each),
            *chain.from_iterable(
                _factors(results, each, cells[each.where], groups) for groups in (("gunicorn",), GROUPS)
            ),
        )
        for each in found
        if each.target == BATCHED and each.figure == RATE
    ]
    return [
        (
            "ratio",
            "with",
            "of medians",
            "met",
            "CPU µs: gunicorn",
            "busy: gunicorn",
            "CPU µs: all",
            "busy: all",
        ),
        *rows,
    ]


def _factors(results: Results, ratio: Ratio, cell: Cell, groups: Sequence[str]) -> tuple[str, str]:
    ours, theirs = (results.of(side, cell) for side in (ratio.target, ratio.other))
    return (
        _quotient(theirs, ours, partial(_microseconds, groups=groups), ",.0f"),
        _quotient(ours, theirs, partial(_busy, groups=groups), ".2f"),
    )


def _quotient(
    one: Sequence[Measurement],
    other: Sequence[Measurement],
    figure: Callable[[Measurement], float],
    form: str,
) -> str:
    above, below = (Spread.of(map(figure, each)).median for each in (one, other))
    return f"{above:{form}} ÷ {below:{form}} = {above / below:.2f}"


def _within_rounds(ratio: Ratio) -> str:
    if ratio.quartiles is None:
        return ""
    lower, middle, upper = ratio.quartiles
    return f"{middle:.2f} ({lower:.2f} to {upper:.2f})"


def _verdict(ratio: Ratio) -> str:
    return VERDICTS[ratio.is_met] if ratio.kept_up else "undecided: too slow for the rate"


def keyed(results: Results) -> list[Row]:
    """Return a row for each cell in which increments had keys: their rate, and for how long they are remembered."""
    sizes: dict[str, Any] = results.about.get("keyed", {})
    rows = [
        (
            target,
            where(cell),
            f"{rate:,.0f}",
            f"{sizes['log_size'] / rate:,.1f}",
            f"{sizes['bytes'][target]:,}",
        )
        for target, cell, rate in _keyed_rates(results, sizes)
    ]
    return [("target", "with", RATE, "window s", "bytes of the document"), *rows]


def _keyed_rates(results: Results, sizes: dict[str, Any]) -> Iterator[tuple[str, Cell, float]]:
    for target in sizes.get("bytes", {}):
        for cell in results.cells:
            spread = results.spread(target, cell, lambda each: each.speed.rate)
            if spread is not None:
                yield target, cell, spread.median


def summary(results: Results) -> list[Row]:
    """Return a row for each target: medians of its rates where it is crowded, and in the last of these what else is.

    That is the p99 and, in percent, how many requests failed, and how much of what was acknowledged was lost; then the
    rate on many counters. Targets that were measured in some of these cells only are left out, for they explain others;
    but not those with keys.
    """
    closed = [cell for cell in results.cells if not cell.share and cell.connections in CROWDED]
    hot = [cell for cell in closed if cell.counters == 1]
    many = [cell for cell in closed if cell.counters > 1][-1:]
    with_keys = _with_keys(results)
    head = [
        *(where(cell, briefly=True) for cell in hot),
        *(f"{figure} there" for figure in ("p99", "failed", "lost") if hot),
        *(where(cell) for cell in many),
    ]
    rows = [
        (
            target,
            *(_median(results, target, cell, lambda each: each.speed.rate, "{:,.0f}") for cell in hot),
            *(_median(results, target, cell, lambda each: each.speed.p99, "{:,.0f} ms") for cell in hot[-1:]),
            *(_median(results, target, cell, _failed, "{:.0%}") for cell in hot[-1:]),
            *(_median(results, target, cell, _lost, "{:.0%}") for cell in hot[-1:]),
            *(_median(results, target, cell, lambda each: each.speed.rate, "{:,.0f}") for cell in many),
        )
        for target in results.targets
        if all(results.of(target, cell) for cell in (hot if target in with_keys else [*hot, *many]))
    ]
    return [(RATE, *head), *rows]


def ways(results: Results, strategy: str) -> list[Row]:
    """Return a row for each way in which a strategy was built, in each cell in which all of them were measured."""
    with_keys = _with_keys(results)
    targets = [
        target
        for target in results.targets
        if (target == strategy or target.startswith(f"{strategy}, ")) and target not in with_keys
    ]
    cells = [cell for cell in results.cells if all(results.of(target, cell) for target in targets)]
    rows = [
        (
            target,
            where(cell, briefly=True),
            _median(results, target, cell, lambda each: each.speed.rate, "{:,.0f}"),
            _median(results, target, cell, lambda each: each.speed.p99, "{:,.0f} ms"),
            _median(results, target, cell, lambda each: (each.conflicts or 0) / each.requests, "{:.2f}"),
            _median(results, target, cell, lambda each: each.batch, "{:.1f}"),
            f"{sum(each.errors for each in results.of(target, cell)):,}",
        )
        for cell in cells
        for target in targets
    ]
    return [("way", "with", RATE, "p99", "conflicts an increment", "a write", "errors"), *rows]


def _with_keys(results: Results) -> Container[str]:
    """Return the targets whose increments had keys."""
    keyed: dict[str, Any] = results.about.get("keyed", {})
    return frozenset(keyed.get("bytes", {}))


def sizing(results: Results) -> list[Row]:
    """Return a row for each of the service's ways to count that lose nothing: what an increment takes of processors."""
    cell = Cell(workers=1, connections=min(CROWDED), counters=1)
    rows = [
        (
            target,
            *(
                _median(results, target, cell, partial(_microseconds, groups=(group,)), "{:,.0f} µs")
                for group in ("gunicorn", "store")
            ),
            _median(results, target, cell, lambda each: each.speed.rate, "{:,.0f}"),
        )
        for target in ("batched", "batched, keyed", "occ", "scripted")
    ]
    return [("", "of the service", "of Elasticsearch", f"{RATE}, on the same processors"), *rows]


def _microseconds(each: Measurement, *, groups: Iterable[str]) -> float:
    return 1000 * each.milliseconds_of(*groups)


def _busy(each: Measurement, *, groups: Iterable[str]) -> float:
    """Return how many processors groups of processes had: the rate, by the processor time of a request.

    An estimate, for that time is of all requests, those of the warm-up and of the end included.
    """
    return each.speed.rate * each.milliseconds_of(*groups) / 1000


def _failed(each: Measurement) -> float:
    return each.errors / each.requests


def _lost(each: Measurement) -> float | None:
    """Return the part of what was acknowledged that is not stored; None where nothing is to be stored."""
    return None if each.lost is None else each.lost / max(1, each.acknowledged)


def _median(
    results: Results, target: str, cell: Cell, figure: Callable[[Measurement], float | None], form: str
) -> str:
    values = [value for each in results.of(target, cell) if (value := figure(each)) is not None]
    return form.format(Spread.of(values).median) if values else ""


def about(results: Results) -> str:
    """Return in a sentence what was measured on what."""
    known = results.about
    plan = known["plan"]
    times = "once" if plan["repeats"] == 1 else f"{plan['repeats']} times"
    return (
        f"{sentence(known)}; {plan['threads']} threads a worker, each figure"
        f" {times}, for {plan['seconds'] - plan['warm_up']:g} s after {plan['warm_up']:g} s of warm-up (at constant"
        f" rates {plan['rate_seconds'] - plan['warm_up']:g} s)." + ("" if is_believable(results) else WARNING)
    )


def is_believable(results: Results) -> bool:
    """Return whether there were enough repetitions."""
    return bool(results.about["plan"]["repeats"] >= BELIEVABLE)


def in_columns(rows: Sequence[Row]) -> str:
    """Return rows as lines of text, all but the first column to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def in_markdown(rows: Sequence[Row]) -> str:
    """Return rows as a table of Markdown's, all but the first column to the right."""
    head, *body = rows
    rule = ["---", *["---:" for _ in head[1:]]]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *body))

"""What is drawn."""

from benchmarks.figures import Cell, Measurement, Results, Speed
from benchmarks.plots import colors
from benchmarks.targets import of_the_service, peers

CROWDED = Cell(workers=1, connections=32, counters=1)
ALONE = Cell(workers=1, connections=1, counters=1)


def measured(target: str, *cells: Cell) -> list[Measurement]:
    """Return a measurement in each cell."""
    return [
        Measurement(
            target=target,
            cell=cell,
            repeat=1,
            speed=Speed(rate=1, p50=1, p99=1, p999=1),
            asked=0,
            requests=1,
            statuses={},
            unknown=0,
        )
        for cell in cells
    ]


def test_no_two_lines_have_the_same_color() -> None:
    """Even if all that there is to measure were drawn."""
    names = [target.name for target in (*of_the_service(), *peers())]
    results = Results([each for name in names for each in measured(name, ALONE, CROWDED)], names)

    drawn = colors(results)

    assert [*drawn] == names
    assert len(set(drawn.values())) == len(names)


def test_what_was_measured_with_one_number_of_connections_is_no_line() -> None:
    """It would be a point among lines."""
    results = Results([*measured("occ", ALONE, CROWDED), *measured("way", CROWDED)], ["occ", "way"])

    assert ["occ"] == [*colors(results)]


def test_where_there_is_one_number_of_connections_all_are_drawn() -> None:
    """As points, for there are no lines."""
    results = Results([*measured("occ", CROWDED), *measured("way", CROWDED)], ["occ", "way"])

    assert ["occ", "way"] == [*colors(results)]

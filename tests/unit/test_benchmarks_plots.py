"""What is drawn."""

from benchmarks.figures import Cell, Measurement, Results
from benchmarks.plots import colors
from benchmarks.targets import of_the_service, peers
from tests.measurements import measured

CROWDED = Cell(workers=1, connections=32, counters=1)
ALONE = Cell(workers=1, connections=1, counters=1)


def measured_in(target: str, *cells: Cell) -> list[Measurement]:
    """Return a measurement in each cell."""
    return [measured(target, cell) for cell in cells]


def test_no_two_lines_have_the_same_color() -> None:
    """Even if all that there is to measure were drawn."""
    names = [target.name for target in (*of_the_service(), *peers())]
    results = Results([each for name in names for each in measured_in(name, ALONE, CROWDED)], names)

    drawn = colors(results)

    assert [*drawn] == names
    assert len(set(drawn.values())) == len(names)


def test_what_was_measured_with_one_number_of_connections_is_no_line() -> None:
    """It would be a point among lines."""
    results = Results([*measured_in("occ", ALONE, CROWDED), *measured_in("way", CROWDED)], ["occ", "way"])

    assert ["occ"] == [*colors(results)]


def test_where_there_is_one_number_of_connections_all_are_drawn() -> None:
    """As points, for there are no lines."""
    results = Results([*measured_in("occ", CROWDED), *measured_in("way", CROWDED)], ["occ", "way"])

    assert ["occ", "way"] == [*colors(results)]

"""Which strategies each row of the table of faults concerns: a run that stands for the promise has figures for all."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from tests.faults.cases import Case, every_case, singles
from tests.faults.figures import Figures

_KEYED: Final = singles(keyed=True)
_KEYLESS: Final = singles(keyed=False)
_ALL: Final = every_case(naive=True)
_EXACT: Final = every_case(naive=False)

CONCERNED: Final[Mapping[int, Iterable[Case]]] = MappingProxyType(
    {
        1: _ALL,
        2: [case for case in _ALL if case != Case("naive", keyed=False, in_lists=True)],
        3: _ALL,
        4: [case for case in _EXACT if case.keyed or case.strategy == "occ"],
        5: _EXACT,
        6: [*_KEYED, *_KEYLESS],
        7: _KEYED,
        8: [*_KEYED, *_KEYLESS],
        9: [*_KEYED, *_KEYLESS],
        10: _ALL,
        11: [case for case in _EXACT if not case.keyed],
        12: [*_KEYED, *_KEYLESS],
        13: [*_KEYED, *_KEYLESS],
        14: _KEYED,
        15: [*_KEYED, *_KEYLESS],
        16: [Case("scripted", keyed=True), Case("batched", keyed=True)],
    }
)
"""By row. Naive is there where one caller alone calls it; row 16 is about the server, which has threads and tasks."""


def missing_in(figures: Iterable[Figures]) -> Iterator[str]:
    """Say which rows a run of the whole suite has left out, and for whom; what is only reported stands for no row."""
    entered = {(each.row, each.strategy, each.keyed) for each in figures if each.promised}
    for row, cases in CONCERNED.items():
        for case in cases:
            if (row, case.name, case.keyed) not in entered:
                yield f"row {row}, {case.name}, {'with' if case.keyed else 'without'} a key"

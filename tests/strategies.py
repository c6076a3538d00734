"""The service's strategies by what they do, for tests that concern some of them."""

from typing import Final

from service.strategies import STRATEGIES

EXACT: Final = tuple(name for name, strategy in STRATEGIES.items() if strategy.exactly_once)
"""Those that lose nothing, and take a key."""

READING: Final = ("naive", "occ")
"""Those that read a counter before they write it."""

BLIND: Final = tuple(name for name in STRATEGIES if name not in READING)
"""Those that send the addition to where the value is."""

"""The compose files as they are written, for what can be said of them without Docker."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]


class _Loader(yaml.SafeLoader):
    """Reads what Compose's own tags are about."""


def _tagged(loader: _Loader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


_Loader.add_multi_constructor("!", _tagged)


def services(name: str) -> dict[str, Any]:
    """Return what a compose file says of its services, where nothing is set outside."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / name).read_text("utf-8"))
    document = yaml.load(text, _Loader)  # noqa: S506 - a safe one
    return dict(document["services"])


ALONE: Final = services("docker-compose.yml")
CLUSTER: Final = services("docker-compose.cluster.yml")

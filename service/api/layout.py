"""How openapi.yaml is laid out: for people, who read it from top to bottom."""

from typing import Any, Final

import yaml

DOCUMENT: Final = ("openapi", "info", "tags", "paths", "components")
INFO: Final = ("title", "version", "license", "description")
PATH: Final = ("parameters", "get", "put", "post", "delete")
OPERATION: Final = (
    "tags",
    "operationId",
    "summary",
    "description",
    "parameters",
    "requestBody",
    "responses",
    "security",
)

WIDTH: Final = 110
LONG: Final = 80
"""Characters from which on a text is folded into lines of its own."""


def as_yaml(document: dict[str, Any]) -> str:
    """Return an OpenAPI document as YAML."""
    ordered = _in_order(document, DOCUMENT)
    ordered["info"] = _in_order(document["info"], INFO)
    ordered["paths"] = {name: _path(item) for name, item in document["paths"].items()}
    return yaml.dump(ordered, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)


def _path(item: dict[str, Any]) -> dict[str, Any]:
    return {
        name: part if name == "parameters" else _operation(part)
        for name, part in _in_order(item, PATH).items()
    }


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    ordered = _in_order({name: part for name, part in operation.items() if part}, OPERATION)
    return {**ordered, "responses": dict(sorted(operation["responses"].items()))}


def _in_order(mapping: dict[str, Any], first: tuple[str, ...]) -> dict[str, Any]:
    """Return a mapping with these of its keys first; the others follow as they stood."""
    return {name: mapping[name] for name in (*first, *mapping) if name in mapping}


class Dumper(yaml.SafeDumper):
    """Writes texts as blocks instead of in quotes, and the same thing twice rather than an alias to it."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Say that nothing gets an alias."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's own signature
        """Indent the items of a list below its name."""
        super().increase_indent(flow, indentless=False)


def _text(dumper: Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else ">" if len(text) > LONG else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _text)

"""docker-compose.yml and docker-compose.cluster.yml pass on what README.md says can be set."""

import re
from typing import Final

import pytest

from tests.composing import ALONE, CLUSTER, ROOT

TABLE: Final = (
    (ROOT / "README.md").read_text("utf-8").partition("| setting | default |")[2].partition("\n\n")[0]
)
SETTINGS: Final = {
    name
    for row in TABLE.splitlines()
    if row and not re.search(r"for `(make|docker compose)`", row)
    for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])
}
FIXED: Final = {
    "ELASTICSEARCH_URL",
    "ELASTICSEARCH_USERNAME",
    "ELASTICSEARCH_PASSWORD",
    "ELASTICSEARCH_API_KEY",
    "ELASTICSEARCH_CA_CERTS",
}
"""What the files settle themselves, which bring the Elasticsearch that these are about."""


@pytest.mark.parametrize("name", sorted(SETTINGS - FIXED))
@pytest.mark.parametrize("file", ["docker-compose.yml", "docker-compose.cluster.yml"])
def test_every_setting_is_passed_on(file: str, name: str) -> None:
    """By its name alone, or with a default of the file's; what the cluster does not say it takes from the other."""
    text = (ROOT / file).read_text("utf-8")
    says_otherwise = re.search(rf"^ +{name}: *[^$\s]", text, re.MULTILINE)
    passes_on = re.search(rf"^ +{name}:$|\$\{{{name}:-", text, re.MULTILINE)

    assert not says_otherwise
    assert passes_on or file != "docker-compose.yml"


def test_index_and_service_have_one_name() -> None:
    """Where the alias is another one, `init` makes it, too."""
    assert "COUNTERS_ALIAS" in ALONE["service"]["environment"].keys() & ALONE["init"]["environment"].keys()
    assert "init" == CLUSTER["init"]["extends"]["service"]

"""The service's metrics as Prometheus reads them."""

from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tests.api import Api

PREFIX: Final = "es_counters_"


class Scrape:
    """What the service has said of itself at a moment."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    @property
    def names(self) -> set[str]:
        """What can be asked for: a histogram's buckets, sum and count are three."""
        return {sample.name for sample in self._samples}

    def values_of(self, label: str) -> set[str]:
        """Return all that stands in a label."""
        return {sample.labels[label] for sample in self._samples if label in sample.labels}

    def total(self, name: str, **labels: str) -> float:
        """Add up a metric over all that have these labels; 0 if there is none."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == PREFIX + name and labels.items() <= sample.labels.items()
        )


def scrape(api: Api) -> Scrape:
    """Ask for the metrics."""
    answer = api.get("/metrics")
    assert 200 == answer.status_code
    return Scrape(answer.text)

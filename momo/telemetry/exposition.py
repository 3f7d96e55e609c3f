"""Exposition: a process' metrics as its scraper wants them; only OpenMetrics can show exemplars."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import REGISTRY, Collector


class Together(Collector):
    """Several registries as one; no metric is in two of them."""

    def __init__(self, *registries: Collector) -> None:
        self._registries = registries

    def collect(self) -> Iterator[Metric]:
        for registry in self._registries:
            yield from registry.collect()


def exposed(accept: str, metrics: Collector = REGISTRY) -> tuple[bytes, str]:
    """`metrics` as text, and its content type, for a request with this `Accept` header."""
    encode, content_type = choose_encoder(accept)
    return encode(metrics), content_type

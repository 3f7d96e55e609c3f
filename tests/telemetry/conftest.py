"""What the engine tells of its messages, kept for a test: its lines, and its spans."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from momo.local.servers import Servers
from momo.settings import Settings
from momo.telemetry import lines, tracing
from momo.telemetry.export import Linked
from momo.telemetry.spans import Spans
from tests.engine.conftest import emptied, prepared
from tests.engine.engine import Engine


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def engine_settings(servers: Servers) -> Settings:
    return await prepared(servers, "telemetry")


@pytest_asyncio.fixture(loop_scope="session")
async def engine(engine_settings: Settings) -> AsyncIterator[Engine]:
    """Counters of this folder's own, with no message and no row."""
    async with emptied(engine_settings) as engine:
        yield engine


class Written:
    """The lines, as a log's reader has them."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def write(self, many: Sequence[msgspec.Struct]) -> None:
        self.lines += [msgspec.to_builtins(line) for line in many]

    def of(self, event: str, message_id: str = "") -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event and message_id in {"", line["messageId"]}]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    found = Written()
    monkeypatch.setattr(lines, "lines", found)
    logging.getLogger(lines.LOGGER).setLevel(logging.INFO)
    yield found
    logging.getLogger(lines.LOGGER).setLevel(logging.NOTSET)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans of this process, which samples by parent and all that has none."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.sampler = Linked(provider.sampler)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "spans", Spans(provider.get_tracer("tests")))
    return exporter

"""Publishes are counted by exchange and by how their write ended."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from momo.broker.envelope import seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher, PublishError
from momo.local.ports import free_port
from tests.engine.counter import add
from tests.engine.engine import Engine
from tests.telemetry.conftest import Written


def counts() -> dict[str, float]:
    labels = {"exchange": "meeting.exchange"}
    return {
        result: REGISTRY.get_sample_value("momo_publishes_total", {**labels, "result": result}) or 0.0
        for result in ("confirmed", "refused", "lost")
    } | {"timed": REGISTRY.get_sample_value("momo_publish_confirm_seconds_count") or 0.0}


async def test_what_the_broker_took_refused_or_never_answered(engine: Engine, written: Written) -> None:
    before = counts()

    def since() -> dict[str, float]:
        return {result: count - before[result] for result, count in counts().items()}

    await engine.send(add(1), add(2), add(3))
    assert since() == {"confirmed": 3, "refused": 0, "lost": 0, "timed": 1}
    unroutable = replace(seal(add(1), message_id=fresh_id()), routing_key="nowhere")
    with pytest.raises(PublishError):
        await engine.send(unroutable)
    assert since() == {"confirmed": 3, "refused": 1, "lost": 0, "timed": 1}
    away = Publisher(f"amqp://guest:guest@127.0.0.1:{free_port()}/", name="momo-tests")
    with pytest.raises(PublishError):
        await away.publish([seal(add(1), message_id=fresh_id())])
    assert since() == {"confirmed": 3, "refused": 1, "lost": 1, "timed": 1}
    assert len(written.of("message sent to queue")) == 3

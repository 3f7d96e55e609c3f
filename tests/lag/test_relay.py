"""Real relays show lag among their metrics, all of them the same."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import aiohttp
from aiormq import connect
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from momo.broker.management import ask, vhost_of
from momo.grants import definitions
from momo.lag.observer import Observer
from momo.local.ports import free_port
from momo.local.stage import process
from momo.settings import Settings
from tests.lag.conftest import JOIN, Publish, message, of, put
from tests.lag.test_letters import LETTERS, letter, minutes_of
from tests.waiting import eventually

Read = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def read(port: int) -> Read:
    """Samples by name and labels."""
    try:
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/metrics") as answer:
            text = await answer.text()
    except aiohttp.ClientError:
        return {}
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def age(found: Read) -> float:
    return found.get(("momo_queue_oldest_age_seconds", (("kind", "work"), ("queue", JOIN))), 0.0)


async def test_a_queue_whose_worker_has_stopped_grows_old_in_every_relays_metrics(
    settings: Settings, publish: Publish
) -> None:
    ports = free_port(), free_port()
    async with AsyncExitStack() as stack:
        for port in ports:
            await stack.enter_async_context(process(replace(settings, metrics_port=port), "relay"))
        await eventually(lambda: _observed(ports), 40)
        worker = await stack.enter_async_context(process(settings, "work", JOIN))
        await eventually(lambda: _consumers(ports[0], 1), 40)
        worker.terminate()
        await worker.wait()
        stopped = time.time()
        await publish(message(JOIN))
        await eventually(lambda: _aged(ports, 3.0), 15)
        assert time.time() - stopped < 15
        first, second = [await read(port) for port in ports]
    assert abs(age(first) - age(second)) < 2
    assert first["momo_queue_messages", (("kind", "work"), ("queue", JOIN))] == 1
    assert first["momo_queue_consumers", (("queue", JOIN),)] == 0
    assert first["momo_outbox_entries", (("service", "meeting"),)] == 0
    assert first["momo_timers_overdue_seconds", (("service", "payment"),)] == 0
    assert first["momo_sagas", (("saga", "seat"), ("state", "held"))] == 0
    assert first["momo_saga_oldest_age_seconds", (("saga", "payment"), ("state", "CONFIRMING"))] == 0


async def test_a_service_may_look_at_its_own_and_at_no_other_letters(settings: Settings, publish: Publish) -> None:
    management = settings.amqp_management_url
    await ask(management, "PUT", "users", "momo_meeting", body={"password": "of-its-own", "tags": ""})
    granted = definitions(settings)
    mine = {kind: [one for one in found if one["user"] == "momo_meeting"] for kind, found in granted.items()}
    await ask(management, "POST", "definitions", body=mine)
    address = settings.amqp_url.partition("@")[2]
    restricted = replace(settings, amqp_url=f"amqp://momo_meeting:of-its-own@{address}")
    assert vhost_of(restricted.amqp_url) == vhost_of(settings.amqp_url)
    await put(settings, [letter(10)])
    await publish(message(JOIN))
    async with Observer(restricted, ["meeting"]) as observer:
        seen = await observer.look()
    assert seen.unknown == ()
    assert of(seen, JOIN).messages == 1
    assert minutes_of(of(seen, LETTERS)) == 10
    connection = await connect(restricted.amqp_url)
    await connection.close()


async def _observed(ports: tuple[int, ...]) -> bool:
    return all([("momo_lag_observed_timestamp_seconds", ()) in await read(port) for port in ports]) and all(
        [(await read(port))["momo_lag_observed_timestamp_seconds", ()] > 0 for port in ports]
    )


async def _consumers(port: int, count: int) -> bool:
    return (await read(port)).get(("momo_queue_consumers", (("queue", JOIN),))) == count


async def _aged(ports: tuple[int, ...], seconds: float) -> bool:
    await asyncio.sleep(0.2)
    return all([age(await read(port)) >= seconds for port in ports])

"""A circuit that opens in the middle of many payments: nothing is lost, doubled, burned, hurried or held for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aio_pika
import msgspec
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from contracts.base import Message
from contracts.payment import ChargePayment, ConfirmPayment, RegisterPayment
from contracts.topology import queue_named
from momo.actors import calls
from momo.broker.envelope import ATTEMPT, seal
from momo.broker.identity import fresh_id
from momo.broker.publisher import Publisher
from momo.local.servers import Servers
from momo.local.stage import prepare
from momo.settings import Settings
from momo.store.connection import connected
from momo.worker import Worker
from tests.engine.engine import working
from tests.engine.proxy import Proxy, proxy
from tests.toss.conftest import Controls, controlled, running
from tests.waiting import eventually
from workers.payment import service

CHARGE = queue_named("payment.charge.queue")
PAYMENTS = 240
AMOUNT = 15_000
AT_HAND = 64
"""How many charges a process takes: twice as many as it makes at once."""
RESET_SECONDS = 0.3


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(servers: Servers) -> Settings:
    return await prepare(servers, "breaker")


class Shop:
    """The payment service of one worker, Toss behind a line that can be cut, and what a test asks of both."""

    def __init__(self, settings: Settings, worker: Worker, toss: Controls, line: Proxy, publisher: Publisher) -> None:
        self.settings = settings
        self.worker = worker
        self.toss = toss
        self.line = line
        self.breaker = worker._toss.breaker
        self._publisher = publisher

    async def send(self, *messages: Message) -> None:
        await self._publisher.publish([seal(message, message_id=fresh_id()) for message in messages])

    async def orders(self, count: int, prefix: str) -> list[ConfirmPayment]:
        """Opened payments that their members have authenticated at Toss: what confirms them."""
        names = [f"{prefix}-{n:04}" for n in range(count)]
        soon = datetime.now(UTC) + timedelta(hours=1)
        await self.send(
            *(
                RegisterPayment(
                    order_id=name,
                    meeting_id=1,
                    member_id=n,
                    order_name="seat",
                    amount=AMOUNT,
                    starts_at=soon,
                    expires_at=soon,
                    refund_policy=(),
                )
                for n, name in enumerate(names)
            )
        )
        keys = [await self.toss.checkout(name, AMOUNT) for name in names]
        return [
            ConfirmPayment(member_id=n, order_id=name, payment_key=key, amount=AMOUNT)
            for n, (name, key) in enumerate(zip(names, keys, strict=True))
        ]

    async def completed(self, prefix: str) -> int:
        async with connected(self.settings.db_url("payment")) as database:
            sql = "SELECT COUNT(*) FROM payments WHERE status = 'COMPLETED' AND order_id LIKE %s"
            [(count,)] = await database.rows(sql, f"{prefix}-%")
        return int(count)

    async def depth(self, queue: str = CHARGE.name) -> int:
        channel = await self._publisher._connection.channel(publisher_confirms=False)
        try:
            return (await channel.queue_declare(queue, passive=True)).message_count or 0
        finally:
            await channel.close()


@asynccontextmanager
async def shop(settings: Settings) -> AsyncIterator[Shop]:
    publisher = Publisher(settings.amqp_url, name="momo-tests")
    await publisher.start()
    async with running() as sandbox, controlled(sandbox) as toss, proxy(sandbox.url, 80) as line:
        told = msgspec.structs.replace(settings, toss_url=line.instead_of(sandbox.url))
        async with working(told, service) as worker:
            breaker = worker._toss.breaker
            breaker._first = breaker._pause = breaker._longest = RESET_SECONDS
            yield Shop(told, worker, toss, line, publisher)
    await publisher.stop()


def burned() -> float:
    """Attempts of charges that counted, and charges that are dead."""
    retried = REGISTRY.get_sample_value("momo_retries_total", {"queue": CHARGE.name}) or 0.0
    dead = REGISTRY.get_sample_value("momo_dead_letters_total", {"queue": CHARGE.name, "reason": "failed"}) or 0.0
    return retried + dead


async def test_a_trip_amid_many_payments_loses_doubles_and_burns_nothing(settings: Settings) -> None:
    async with shop(settings) as here:
        confirmations = await here.orders(PAYMENTS, "trip")
        await here.toss.fault(delayMs=100)
        before = burned()
        await here.send(*confirmations)
        await eventually(lambda: here.completed("trip"))
        here.line.cut()  # those under way are charged or not: nobody here knows
        await eventually(lambda: here.breaker.state == "open")
        assert REGISTRY.get_sample_value("momo_breaker_state", {"breaker": "toss", "state": "open"}) == 1
        await asyncio.sleep(1.5)  # what was under way is back
        waiting, taken = await here.depth(), (await here.toss.ledger("trip"))["taken"]
        await asyncio.sleep(4 * RESET_SECONDS)
        # paused: no more than one probe at a time is on its way out of the queue and back
        assert abs(waiting - await here.depth()) <= 4
        assert waiting >= PAYMENTS - 3 * AT_HAND
        assert (await here.toss.ledger("trip"))["taken"] == taken
        here.line.mend()
        await eventually(lambda: _all_completed(here, "trip"), 30)
        # only failures before the circuit opened count against their messages
        assert burned() - before <= 4
        ledger = await here.toss.ledger("trip")
        assert ledger["taken"] == PAYMENTS * AMOUNT
        assert ledger["returned"] == 0
        charged = {payment["orderId"]: payment["balanceAmount"] for payment in ledger["payments"]}
        assert charged == {asked.order_id: AMOUNT for asked in confirmations}
        await eventually(lambda: here.breaker.state == "closed")


async def test_charges_that_wait_for_a_circuit_go_back_at_once_when_the_process_stops(settings: Settings) -> None:
    before = burned()
    async with shop(settings) as here:
        confirmations = await here.orders(40, "stop")
        here.line.cut()
        await here.send(*confirmations)
        await eventually(lambda: here.breaker.state == "open")
        here.breaker._pause = here.breaker._longest = 60.0
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5
    messages = await _taken(settings, len(confirmations))
    # of its three attempts none has lost more than the one that failed before the circuit opened
    attempts = [int(str(message.headers[ATTEMPT])) for message in messages]
    assert sum(attempts) - len(attempts) == burned() - before <= 4
    assert not any(message.headers.get("x-delivery-count") for message in messages)


async def test_a_charge_that_has_waited_for_long_goes_back_with_its_attempts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "HELD", 0.2)
    async with shop(settings) as here:
        for _ in range(5):
            here.breaker._learn(failed=True, probing=False)
        here.breaker._pause = here.breaker._longest = 60.0
        before = burned()
        [confirmation] = await here.orders(1, "held")
        await here.send(
            ChargePayment(order_id=confirmation.order_id, payment_key=confirmation.payment_key, amount=AMOUNT)
        )
        delays: set[int] = set()
        await eventually(lambda: _postponed(here, delays))
        assert burned() == before
    [message] = await _taken(settings, 1)
    assert message.headers[ATTEMPT] == 1


async def _postponed(here: Shop, seen: set[int]) -> bool:
    """Whether the message has been seen in the delay ladder, unlike a message that a process holds."""
    seen.add(await here.depth("momo.delay.1000"))
    return 1 in seen


async def _all_completed(here: Shop, prefix: str) -> bool:
    return await here.completed(prefix) == PAYMENTS


async def _taken(settings: Settings, count: int) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """The next messages of the charge queue."""
    connection = await aio_pika.connect(settings.amqp_url)
    found: list[aio_pika.abc.AbstractIncomingMessage] = []
    async with connection:
        queue = await (await connection.channel()).get_queue(CHARGE.name, ensure=False)

        async def enough() -> bool:
            while (message := await queue.get(no_ack=True, fail=False)) is not None:
                found.append(message)
            return len(found) >= count

        await eventually(enough, 20)
    return found

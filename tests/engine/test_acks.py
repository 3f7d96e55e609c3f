"""Acknowledgements: never for a message that is still in hand."""

from __future__ import annotations

import asyncio

from aiormq.exceptions import ChannelInvalidStateError
from hypothesis import given
from hypothesis import strategies as st

from momo.broker.acks import Ledger
from tests.engine.letters import Channel


@given(order=st.permutations(range(1, 13)), pauses=st.sets(st.integers(0, 11)))
def test_only_the_unbroken_run_of_settled_messages_is_acknowledged(order: list[int], pauses: set[int]) -> None:
    channel = Channel()
    ledger = Ledger(channel)

    async def settle() -> None:
        for tag in sorted(order):
            ledger.take(tag)
        settled: set[int] = set()
        for number, tag in enumerate(order):
            ledger.settle(tag)
            settled.add(tag)
            if number in pauses:
                await ledger.acknowledge()
                assert all(covered in settled for covered in range(1, max(channel.acks, default=0) + 1))
        await ledger.acknowledge()

    asyncio.run(settle())
    assert channel.acks == sorted(set(channel.acks))
    assert channel.acks[-1] == 12
    assert ledger.held == 0


async def test_a_message_in_hand_holds_back_the_acks_of_later_ones() -> None:
    channel = Channel()
    ledger = Ledger(channel)
    for tag in (1, 2, 3):
        ledger.take(tag)
    ledger.settle(2)
    ledger.settle(3)
    await ledger.acknowledge()
    assert channel.acks == []
    assert ledger.held == 3


async def test_no_ack_overtakes_another_on_its_way_out() -> None:
    class Slow(Channel):
        """Its first ack takes longest, as one does that finds the connection's write queue full."""

        async def basic_ack(self, tag: int, *, multiple: bool, wait: bool) -> None:
            for _ in range(20 - tag):
                await asyncio.sleep(0)
            await super().basic_ack(tag, multiple=multiple, wait=wait)

    channel = Slow()
    ledger = Ledger(channel)

    async def done(tag: int) -> None:
        ledger.settle(tag)
        await ledger.acknowledge()

    for tag in range(1, 11):
        ledger.take(tag)
    await asyncio.gather(*(done(tag) for tag in range(1, 11)))
    assert channel.acks == sorted(channel.acks)
    assert channel.acks[-1] == 10


async def test_an_ack_on_a_channel_that_is_gone_is_no_error() -> None:
    class Gone(Channel):
        async def basic_ack(self, tag: int, *, multiple: bool, wait: bool) -> None:  # noqa: ARG002 - as aiormq calls it
            raise ChannelInvalidStateError("gone")

    ledger = Ledger(Gone())
    ledger.take(1)
    ledger.settle(1)
    await ledger.acknowledge()
    assert ledger.held == 0

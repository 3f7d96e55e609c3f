"""The wire: deliveries are taken off, in order and whole, however the bytes arrive; all else passes untouched."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from momo.broker.wire import Routes, Taken, Wire


class Writer:
    """A StreamWriter as far as the wire knows one."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.written += data


def delivery(channel: int, tag: int, body: bytes, *, consumer: str = "c", piece: int = 100) -> list[bytes]:
    """The frames of one message."""
    pieces = [ContentBody(body[at : at + piece]) for at in range(0, len(body), piece)]
    parts: list[Any] = [
        commands.Basic.Deliver(consumer, tag, False, "ex", "key"),
        ContentHeader(body_size=len(body)),
        *pieces,
    ]
    return [frame.marshal(part, channel) for part in parts]


async def through(chunks: Sequence[bytes], routes: Routes) -> tuple[bytes, Wire, Writer]:
    """What passes of `chunks`, which arrive one by one."""
    reader, writer = asyncio.StreamReader(), Writer()
    wire = Wire(reader, writer, routes)  # type: ignore[arg-type]
    passed = b""

    async def read() -> None:
        nonlocal passed
        while not wire.at_eof():
            with suppress(asyncio.IncompleteReadError):
                passed += await wire.readexactly(1)

    task = asyncio.create_task(read())
    for chunk in chunks:
        reader.feed_data(chunk)
        for _ in range(4):
            await asyncio.sleep(0)
    reader.feed_eof()
    await task
    assert wire.at_eof()
    return passed, wire, writer


def routes(consumer: str = "c") -> tuple[Routes, list[Taken]]:
    taken: list[Taken] = []
    found = Routes(lambda _: None, lambda _: None)
    found.claim(consumer, taken.append)
    return found, taken


OTHERS: list[Any] = [
    commands.Basic.QosOk(),
    commands.Queue.DeclareOk("q", 3, 1),
    commands.Basic.ConsumeOk("c2"),
    commands.Connection.Blocked("memory"),
]


@given(
    messages=st.lists(st.tuples(st.integers(1, 3), st.binary(max_size=350)), max_size=8),
    others=st.lists(st.sampled_from(OTHERS), max_size=5),
    order=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(1, 120), min_size=1, max_size=12),
)
def test_deliveries_are_taken_whole_and_all_else_passes_as_it_was(
    messages: list[tuple[int, bytes]], others: list[Any], order: Any, cuts: list[int]
) -> None:
    # of several channels, the frames may come between each other's
    lines: dict[int, list[bytes]] = {channel: [] for channel in (0, 1, 2, 3)}
    sent: dict[int, list[tuple[int, bytes]]] = {1: [], 2: [], 3: []}
    for channel, body in messages:
        sent[channel].append((len(sent[channel]) + 1, body))
        lines[channel] += delivery(channel, len(sent[channel]), body)
    lines[0] = [frame.marshal(other, 9) for other in others]
    stream = b""
    while any(lines.values()):
        stream += lines[order.choice([channel for channel, left in lines.items() if left])].pop(0)
    chunks: list[bytes] = []
    at = 0
    while at < len(stream):
        size = cuts[len(chunks) % len(cuts)]
        chunks.append(stream[at : at + size])
        at += size

    found, taken = routes()
    passed, _, _ = asyncio.run(through(chunks, found))
    assert passed == b"".join(frame.marshal(other, 9) for other in others)
    by_ledger: dict[int, list[tuple[int, bytes]]] = {}
    for message in taken:
        by_ledger.setdefault(id(message.ledger), []).append((message.tag, message.body))
    assert sorted(by_ledger.values()) == sorted(of_channel for of_channel in sent.values() if of_channel)


async def test_when_the_broker_ends_the_connection_its_channels_are_gone_though_nobody_reads_on() -> None:
    found, taken = routes()
    reader = asyncio.StreamReader()
    wire = Wire(reader, Writer(), found)  # type: ignore[arg-type]
    closed = frame.marshal(commands.Connection.Close(320, "CONNECTION_FORCED", 0, 0), 0)
    begun = frame.marshal(commands.Basic.ConsumeOk("c"), 1)
    reader.feed_data(begun + b"".join(delivery(1, 1, b"a")))
    await wire.readexactly(len(begun))
    assert found.consuming("c")
    reader.feed_data(closed)
    await wire.readexactly(len(closed))
    assert not found.consuming("c")
    assert [message.ledger.gone for message in taken] == [True]


async def test_what_comes_before_its_consumer_is_known_waits_for_it_in_order() -> None:
    found = Routes(lambda _: None, lambda _: None)
    taken: list[Taken] = []
    reader = asyncio.StreamReader()
    wire = Wire(reader, Writer(), found)  # type: ignore[arg-type]
    reader.feed_data(b"".join(delivery(1, 1, b"a") + delivery(1, 2, b"b")) + frame.marshal(Heartbeat(), 0))
    await wire.readexactly(8)
    assert taken == []
    found.claim("c", taken.append)
    reader.feed_data(b"".join(delivery(1, 3, b"c")) + frame.marshal(Heartbeat(), 0))
    await wire.readexactly(8)
    assert [message.body for message in taken] == [b"a", b"b", b"c"]


async def test_an_ack_is_written_at_once_and_as_the_protocol_says() -> None:
    found, taken = routes()
    _, _, writer = await through(delivery(7, 1, b"x") + delivery(7, 2, b""), found)
    ledger = taken[0].ledger
    ledger.gone = False  # as before the end of the stream
    for message in taken:
        ledger.take(message.tag)
        ledger.settle(message.tag)
    ledger.acknowledge()
    ack: Any
    _, channel, ack = frame.unmarshal(writer.written)
    assert (channel, ack.name, ack.delivery_tag, ack.multiple) == (7, "Basic.Ack", 2, True)


@pytest.mark.parametrize("end", [commands.Channel.Close(404, "gone", 0, 0), commands.Channel.CloseOk()])
async def test_a_channel_that_closes_acks_nothing_more_and_its_number_begins_anew(end: Any) -> None:
    found, taken = routes()
    chunks = [*delivery(1, 1, b"old"), frame.marshal(end, 1), *delivery(1, 1, b"new")]
    reader, writer = asyncio.StreamReader(), Writer()
    wire = Wire(reader, writer, found)  # type: ignore[arg-type]
    reader.feed_data(b"".join(chunks))
    await wire.readexactly(8)
    old, new = taken
    assert (old.ledger.gone, new.ledger.gone) == (True, False)
    old.ledger.settle(1)
    old.ledger.acknowledge()
    assert writer.written == b""


@pytest.mark.parametrize(
    "end",
    [
        frame.marshal(commands.Basic.Cancel("c"), 1),
        frame.marshal(commands.Basic.CancelOk("c"), 1),
        frame.marshal(commands.Channel.Close(404, "gone", 0, 0), 1),
        b"",
    ],
    ids=["cancelled by the broker", "cancelled by us", "channel closed", "connection lost"],
)
async def test_a_consumer_lives_until_it_its_channel_or_its_connection_ends(end: bytes) -> None:
    found, _ = routes()
    reader = asyncio.StreamReader()
    wire = Wire(reader, Writer(), found)  # type: ignore[arg-type]
    other = frame.marshal(commands.Basic.ConsumeOk("other"), 2)
    begun = frame.marshal(commands.Basic.ConsumeOk("c"), 1)
    reader.feed_data(begun + other)
    await wire.readexactly(len(begun + other))
    assert found.consuming("c")
    reader.feed_data(end) if end else reader.feed_eof()
    with suppress(asyncio.IncompleteReadError):
        await wire.readexactly(len(end) or 1)
    assert not found.consuming("c")
    assert found.consuming("other") is bool(end)


async def test_a_consumer_that_the_broker_ends_is_told_and_one_that_we_cancel_is_not() -> None:
    told: list[str] = []
    found = Routes(lambda _: None, told.append)
    names = ("a", "b")
    begun = [frame.marshal(commands.Basic.ConsumeOk(name), 1) for name in names]
    await through(
        [*begun, frame.marshal(commands.Basic.Cancel("a"), 1), frame.marshal(commands.Basic.CancelOk("b"), 1)], found
    )
    assert told == ["a"]


async def test_a_consumer_that_begins_after_it_was_retired_is_told_and_its_messages_are_taken() -> None:
    strays: list[str] = []
    taken: list[Taken] = []
    found = Routes(strays.append, lambda _: None)
    found.claim("c", taken.append)
    begun = frame.marshal(commands.Basic.ConsumeOk("c"), 1)
    ended = frame.marshal(commands.Basic.CancelOk("c"), 1)
    await through([begun], found)
    assert strays == []
    found.retire("c")
    await through([ended, begun, *delivery(1, 1, b"x")], found)
    assert (strays, [message.body for message in taken]) == (["c"], [b"x"])


async def test_the_end_of_the_connection_lets_go_of_all_that_was_delivered() -> None:
    found, taken = routes()
    begun = frame.marshal(commands.Basic.ConsumeOk("nobody"), 2)
    await through([begun, *delivery(1, 1, b"x"), *delivery(2, 1, b"y", consumer="nobody")], found)
    assert taken[0].ledger.gone
    late: list[Taken] = []
    found.claim("nobody", late.append)
    assert late == []


async def test_a_connection_with_nothing_but_deliveries_still_looks_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    found, taken = routes()
    reader = asyncio.StreamReader()
    wire = Wire(reader, Writer(), found)  # type: ignore[arg-type]
    monkeypatch.setattr(wire, "_clock", lambda: wire._beat + 2)
    reader.feed_data(b"".join(delivery(1, 1, b"x")))
    assert frame.unmarshal(await wire.readexactly(8))[2].name == Heartbeat().name
    assert len(taken) == 1


async def test_the_header_of_another_protocol_version_passes() -> None:
    found, _ = routes()
    passed, _, _ = await through([b"AMQP\x00\x00\x09\x01"], found)
    assert passed == b"AMQP" + struct.pack(">BBBB", 0, 0, 9, 1)

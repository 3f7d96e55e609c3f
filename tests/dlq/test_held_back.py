"""Letters that hold others back: mended, replayed or dropped, they let what is behind them go in its order."""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest
import pytest_asyncio

from contracts.base import Message
from momo.dlq.acts import audit
from momo.dlq.choice import Choice
from momo.dlq.desk import Desk
from momo.dlq.errors import MissingLetter, Unfit
from momo.dlq.tables import print_listing, print_result
from tests.engine.counter import ADD, add
from tests.engine.engine import Engine, spawn, working
from tests.engine.holding import QUEUES, holding
from tests.waiting import eventually

ALL = Choice(queue=ADD.name)
WORKER = ["-m", "tests.engine.holding"]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(engine: Engine) -> Desk:
    return Desk(engine.settings, by="kim", queues=QUEUES)


def body(counter: int, amount: int) -> bytes:
    """What an operator makes of an addition."""
    return msgspec.json.encode(add(counter, amount))


async def sent_in_order(engine: Engine, *messages: Message) -> list[str]:
    """Each is sent when the one before it was decided or died: whichever process has it, their order is this."""
    ids = []
    for message in messages:
        ids += await engine.send(message)
        await ended(engine, *ids[-1:])
    return ids


async def ended(engine: Engine, *ids: str) -> None:
    for one in ids:
        await eventually(lambda one=one: engine.state(one), 60)  # type: ignore[misc]


async def lying(engine: Engine, letters: int) -> None:
    async def as_many() -> bool:
        return await engine.depth(ADD.dead_letter_queue) == letters

    await eventually(as_many)


async def trails(engine: Engine, *actors: int) -> list[str]:
    return [(await engine.counter(actor)).trail for actor in actors]


async def held(engine: Engine) -> tuple[int, int]:
    return await engine.count("held_actors"), await engine.count("held_messages")


async def test_a_mended_letter_lets_go_of_those_behind_it_in_their_order_with_two_processes(
    engine: Engine, desk: Desk
) -> None:
    await spawn(engine.settings, WORKER)
    await spawn(engine.settings, WORKER)
    await eventually(lambda: _consumed(engine, 2), 60)
    holders = await sent_in_order(engine, *(add(n, 1, "boom") for n in (1, 2, 3)))
    await sent_in_order(engine, *(add(n, amount) for amount in range(2, 7) for n in (1, 2, 3, 4)))
    await lying(engine, 18)
    assert await trails(engine, 1, 2, 3, 4) == ["", "", "", "2 3 4 5 6 "]
    for n in (1, 2):
        await desk.edit(Choice(id=holders[n - 1], queue=ADD.name), body(n, 100 * n))
        result = await desk.replay(Choice(id=holders[n - 1], queue=ADD.name))
        assert (result.letters, result.held) == (6, 0)
    assert await trails(engine, 1, 2, 3) == ["100 2 3 4 5 6 ", "200 2 3 4 5 6 ", ""]
    assert await held(engine) == (1, 5)
    assert {act.message_id for act in await audit(engine.settings) if act.act == "replay"} >= set(holders[:2])
    await sent_in_order(engine, add(1, 7), add(2, 7), add(3, 7))
    assert await trails(engine, 1, 2, 3) == ["100 2 3 4 5 6 7 ", "200 2 3 4 5 6 7 ", ""]


async def test_one_that_dies_again_keeps_what_is_behind_it(engine: Engine, desk: Desk) -> None:
    async with working(engine.settings, holding()):
        sent = await sent_in_order(engine, add(1, 1, "boom"), add(1, 2), add(1, 3, "boom"), add(1, 4))
        await lying(engine, 4)
        result = await desk.replay(Choice(id=sent[0]))
        assert (result.ids, result.held) == ([sent[0]], 3)
        await lying(engine, 4)
        await desk.edit(Choice(id=sent[0]), body(1, 10))
        result = await desk.replay(ALL)
        assert (result.ids, result.held) == (sent[:3], 1)
        await lying(engine, 2)
    assert await trails(engine, 1) == ["10 2 "]
    assert await held(engine) == (1, 1)


async def test_what_is_held_back_is_not_replayed_before_what_holds_it(
    engine: Engine, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    async with working(engine.settings, holding()):
        sent = await sent_in_order(engine, add(1, 1, "boom"), add(1, 2), add(1, 3), add(2, 1, "boom"), add(2, 2))
        await lying(engine, 5)
        with pytest.raises(Unfit, match=f"{sent[1]} is held back by another letter"):
            await desk.replay(Choice(id=sent[1]))
        listing = await desk.list(ADD.name)
        groups = {group.reason: group for group in listing.groups}
        assert (groups["held-back"].count, groups["held-back"].error) == (3, "HeldBack: behind #")
        assert [(hold.actor, hold.id, hold.behind) for hold in listing.holds] == [("1", sent[0], 2), ("2", sent[3], 1)]
        print_listing(listing)
        assert "2 of 1 since" in capsys.readouterr().out
        result = await desk.replay(Choice(fingerprint=groups["held-back"].fingerprint))
        assert (result.letters, result.held) == (0, 3)
        print_result(result)
        assert "3 stay held back" in capsys.readouterr().out
        dry = await desk.replay(Choice(id=sent[0]), dry_run=True)
        assert (sorted(dry.ids), await held(engine)) == (sorted(sent[:3]), (2, 3))
        await lying(engine, 5)


async def test_a_dropped_letter_leaves_its_turn_to_the_next(engine: Engine, desk: Desk) -> None:
    async with working(engine.settings, holding()):
        sent = await sent_in_order(engine, add(1, 1, "boom"), *(add(1, n) for n in range(2, 7)))
        await lying(engine, 6)
        await desk.drop(Choice(id=sent[3]), "nobody wants it")
        await desk.drop(Choice(id=sent[0]), "nor this")
        assert await held(engine) == (1, 3)
        [behind] = (await desk.list(ADD.name)).groups
        await sent_in_order(engine, add(1, 7))
        await lying(engine, 5)
        result = await desk.replay(Choice(fingerprint=behind.fingerprint))
        assert (result.letters, result.held) == (5, 0)
        assert await held(engine) == (0, 0)
    assert await trails(engine, 1) == ["2 3 5 6 7 "]


async def test_a_letter_that_was_edited_to_be_another_actors_holds_its_own_back_no_longer(
    engine: Engine, desk: Desk
) -> None:
    async with working(engine.settings, holding()):
        sent = await sent_in_order(engine, add(1, 1, "boom"), add(1, 2), add(2, 1, "boom"), add(2, 2))
        await lying(engine, 4)
        await desk.edit(Choice(id=sent[0]), body(3, 10))
        await desk.replay(Choice(id=sent[0]))
        assert await trails(engine, 1, 2, 3) == ["2 ", "", "10 "]
        await desk.edit(Choice(id=sent[2]), body(4, 20))
        await sent_in_order(engine, add(4, 1, "boom"))
        await lying(engine, 3)
        await desk.replay(Choice(id=sent[2]))  # held back where it is now, and no longer where it was
        assert await trails(engine, 1, 2, 3, 4) == ["2 ", "2 ", "10 ", ""]
    assert await held(engine) == (1, 1)


async def test_a_letter_that_somebody_purged_can_still_be_dropped(engine: Engine, desk: Desk) -> None:
    async with working(engine.settings, holding()):
        [lost, _] = await sent_in_order(engine, add(1, 1, "boom"), add(1, 2))
        await lying(engine, 2)
        taken = [await engine.take(ADD.dead_letter_queue) for _ in range(2)]
        assert lost in [message.message_id for message in taken]
        for message in taken:
            await desk.drop(Choice(id=message.message_id), "purged")
        assert await held(engine) == (0, 0)
        with pytest.raises(MissingLetter):
            await desk.drop(Choice(id=lost), "again")
        await sent_in_order(engine, add(1, 3))
    assert await trails(engine, 1) == ["3 "]


async def test_messages_that_come_while_others_are_let_go_stay_behind_them(engine: Engine, desk: Desk) -> None:
    async with working(engine.settings, holding()):
        sent = await sent_in_order(engine, add(1, 1, "boom"), *(add(1, n) for n in range(2, 20)))
        await lying(engine, 19)
        await desk.edit(Choice(id=sent[0]), body(1, 1))
        replaying = asyncio.create_task(desk.replay(Choice(id=sent[0])))
        ids = []
        for n in range(20, 60):
            ids += await engine.send(add(1, n))
            await asyncio.sleep(0.01)
        await replaying
        await ended(engine, *ids)
        result = await desk.replay(ALL)  # nothing, unless the last came as the replay ended
        assert result.held == 0
    assert await trails(engine, 1) == ["".join(f"{n} " for n in range(1, 60))]
    assert await held(engine) == (0, 0)


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_mix_of_failures_kills_mends_and_drops_keeps_each_actors_order(
    engine: Engine, desk: Desk, seed: int
) -> None:
    chance = random.Random(seed)
    wanted: dict[int, list[int]] = {n: [] for n in range(4)}
    fate: dict[str, tuple[int, int, bool]] = {}
    process = await spawn(engine.settings, WORKER)
    for amount in range(1, 61):
        actor = chance.randrange(4)
        failing, dropped = chance.random() < 0.15, chance.random() < 0.3
        [one] = await engine.send(add(actor, amount, "boom" if failing else ""))
        fate[one] = actor, amount, dropped
        if not (failing and dropped):
            wanted[actor].append(amount)
        if amount == 30:
            await eventually(lambda: engine.count("inbox"), 60)
            process.kill()
            await process.wait()
            process = await spawn(engine.settings, WORKER)
    await ended(engine, *fate)
    while (await held(engine))[0]:
        # the kill may have left two of one letter; an act takes both
        for letter in {one.id: one for one in await desk.show(ALL)}.values():
            actor, amount, dropped = fate[letter.id]
            if letter.reason == "failed":
                choice = Choice(id=letter.id, queue=ADD.name)
                await (desk.drop(choice, "a test's") if dropped else desk.edit(choice, body(actor, amount)))
        await desk.replay(ALL)
    assert await trails(engine, *wanted) == ["".join(f"{n} " for n in numbers) for numbers in wanted.values()]
    assert await held(engine) == (0, 0)


async def _consumed(engine: Engine, processes: int) -> bool:
    sight = await engine.publisher.look(ADD.name)
    return sight is not None and sight.consumers == processes

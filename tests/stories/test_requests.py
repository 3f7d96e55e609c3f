"""Stories of real requests over all services, by the command and over HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import uuid4

import msgspec
import pytest

from momo.gateway.tokens import Member as Identity
from momo.gateway.tokens import Tokens
from momo.settings import environment
from momo.stories.commands import Unknown, read
from momo.stories.hops import Story
from tests.flows.members import Answer, Stage
from tests.stories.telling import check_times, only, settled, shape

CHARGED = [
    (0, "payment.confirm", "done"),
    (1, "payment.charge", "done"),
    (2, "payment.settle", "done"),
    (3, "payment.completed", "done"),
]


def command_of(answer: Answer) -> str:
    return {name.lower(): value for name, value in answer.headers.items()}["command-id"]


def admin(stage: Stage) -> dict[str, str]:
    token = Tokens(stage.settings.token_secret).sign(Identity(member_id=1, nickname="admin", role="admin"))
    return {"Authorization": f"Bearer {token}"}


async def trace(stage: Stage, *words: str) -> tuple[int, str, str]:
    """Exit code and what `momo trace WORDS` prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "momo", "trace", *words),
        env={**os.environ, **environment(stage.settings), "COLUMNS": "130"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_paid_join_is_told_from_the_hold_to_the_seat_and_the_notice(stage: Stage) -> None:
    host, member = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=2, fee=12_000)
    async with member.listens() as notices:
        joined = await member.post(f"/meetings/{meeting}/join")
        held = await settled(stage.settings, command_of(joined))
        paid = await member.pays(joined.body)
        await notices.until("meeting.joined")
    assert [hop for hop in shape(held) if hop[2] != "waiting"] == [
        (0, "meeting.join", "done"),
        (1, "payment.register", "done"),
    ]
    assert (held.state, only(held, "meeting.expire.queue").state) == ("waiting", "waiting")
    check_times(held)

    story = await settled(stage.settings, command_of(paid))
    check_times(story)
    assert shape(story)[:4] == CHARGED
    seated = next(hop for hop in story.hops if hop.queue == "meeting.joined.queue")
    assert story.hops[seated.parent or 0].queue == "payment.completed.queue"
    pushed = [hop for hop in story.hops if hop.queue == "notification.send.queue"]
    assert {(hop.kind, hop.state) for hop in pushed} == {("effect", "done")}
    assert {story.hops[hop.parent or 0].queue for hop in pushed} == {"notification.create.queue"}

    later = await settled(stage.settings, command_of(joined))
    assert (later.state, only(later, "meeting.expire.queue").state) == ("done", "cancelled")


async def test_an_event_has_a_hop_for_each_of_its_subscribers(stage: Stage) -> None:
    host, member = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=2, fee=12_000)
    story = await settled(stage.settings, command_of(await member.pays(await member.joins(meeting))))
    [first, second] = [hop for hop in story.hops if hop.key == "payment.completed"]
    assert {first.queue, second.queue} == {"payment.completed.queue", "payment.completed.notification.queue"}
    assert (first.message_id, first.parent) == (second.message_id, second.parent)
    assert {first.service, second.service} == {"meeting", "notification"}
    for place, hop in enumerate(story.hops):
        if hop.queue == "payment.completed.notification.queue":
            sent = [child.queue for child in story.hops if child.parent == place]
            assert sent == ["notification.create.queue"]


async def test_a_refused_command_says_why(stage: Stage) -> None:
    host = await stage.member()
    meeting = await host.opens(capacity=2)
    refused = await host.post(f"/meetings/{meeting}/join")
    story = await settled(stage.settings, command_of(refused))
    [hop] = story.hops
    assert (story.state, hop.state, hop.sender) == ("done", "refused", f"member:{host.member_id}")
    assert hop.detail == "illegal-transition: " + refused.body["title"], refused.body
    check_times(story)


async def test_the_story_is_the_same_by_any_of_its_ids_and_over_http(stage: Stage) -> None:
    host, member = await stage.member(), await stage.member()
    command = command_of(await member.post(f"/users/{host.member_id}/follow"))
    story = await settled(stage.settings, command)
    assert shape(story) == [
        (0, "user.follow", "done"),
        (1, "user.followed", "done"),
        (2, "notification.create", "done"),
        (3, "notification.send", "done"),
    ]
    for hop in story.hops:
        assert (await read(stage.settings, hop.message_id)).hops == story.hops
    code, out, _ = await trace(stage, story.hops[2].message_id.upper(), "--json")
    assert code == 0
    assert msgspec.json.decode(out, type=Story).hops == story.hops
    answer = await stage.request("GET", f"/console/api/stories/{story.hops[-1].message_id}", **admin(stage))
    assert answer.status == 200
    assert msgspec.convert(answer.body, Story).hops == story.hops
    code, out, _ = await trace(stage, command)
    assert code == 0
    assert out.startswith(f"{command}: done, 4 hops")
    assert "\n    └ notification.send" in out
    assert "█" in out


async def test_an_id_that_nobody_knows_is_one_line_and_a_404(stage: Stage) -> None:
    for unknown in ("an-order-of-somebody", "' OR 1=1 --", "", "x" * 5_000, "\x00\ud800"):
        with pytest.raises(Unknown):
            await read(stage.settings, unknown)
    code, out, err = await trace(stage, str(uuid4()))
    assert (code, out) == (1, "")
    assert err.startswith("momo: nothing is known of ")
    assert err.count("\n") == 1
    answer = await stage.request("GET", f"/console/api/stories/{uuid4()}", **admin(stage))
    assert (answer.status, answer.body["type"]) == (404, "/problems/not-found")

"""Commands over HTTP: one id for one request, 202 or the outcome, and idempotency keys."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable
from typing import Any

import aiohttp
import msgspec
import pytest

from contracts.outcome import Outcome, Problem
from momo.broker.envelope import FINGERPRINT, SENDER, TRACEPARENT
from momo.settings import Settings
from tests.gateway.conftest import Consume

DONE = Outcome(state="done", status=200, result=msgspec.Raw(b'{"status":"seated"}'))
JOIN = "meeting.join.queue"


def _started(request: Awaitable[aiohttp.ClientResponse]) -> asyncio.Future[aiohttp.ClientResponse]:
    """The request, sent while the test goes on."""
    return asyncio.ensure_future(request)


def fresh_key() -> str:
    return uuid.uuid4().hex


async def test_write_is_accepted_with_a_location_and_published_once(
    client: aiohttp.ClientSession, token: Any, consume: Consume
) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with consume(JOIN) as arrived:
        async with client.post("/api/v2/meetings/5/join", headers=token(17, traceparent=trace)) as answer:
            body = await answer.json()
            assert answer.status == 202
            assert answer.headers["Location"] == f"/api/v2/commands/{body['id']}"
            assert body == {"id": body["id"], "state": "pending"}
        message = await arrived.get()
        assert json.loads(message.body) == {"meetingId": 5, "memberId": 17, "nickname": "member17"}
        assert message.message_id == message.correlation_id == body["id"]
        assert message.type == "meeting.join"
        assert message.headers[SENDER] == "member:17"
        assert message.headers[TRACEPARENT] == trace
        assert len(str(message.headers[FINGERPRINT])) == 32
        assert message.reply_to is None
        assert arrived.empty()


async def test_same_key_gives_the_same_id_and_other_members_other_ids(
    client: aiohttp.ClientSession, token: Any
) -> None:
    key = fresh_key()
    ids = []
    for member, sent in ((17, key), (17, f'"{key}"'), (18, key)):
        async with client.post("/api/v2/meetings/5/join", headers=token(member, **{"Idempotency-Key": sent})) as answer:
            ids.append((await answer.json())["id"])
    assert ids[0] == ids[1] != ids[2]


async def test_key_with_another_body_is_refused_while_the_first_is_pending(
    client: aiohttp.ClientSession, token: Any
) -> None:
    headers = token(17, **{"Idempotency-Key": fresh_key()})
    order = {"paymentKey": "k", "orderId": "momo-1-17-1", "amount": 1000}
    async with client.post("/api/v2/payments/confirm", json=order, headers=headers) as answer:
        assert answer.status == 202
    async with client.post("/api/v2/payments/confirm", json={**order, "amount": 2000}, headers=headers) as answer:
        assert answer.status == 422
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["type"] == "/problems/idempotency-key-reused"


async def test_known_command_is_answered_from_the_inbox_and_not_published_again(
    client: aiohttp.ClientSession, token: Any, consume: Consume, keep: Any, redis: Any
) -> None:
    headers = token(17, **{"Idempotency-Key": fresh_key()})
    async with consume("payment.confirm.queue") as arrived:
        order = {"paymentKey": "k", "orderId": "momo-1-17-1", "amount": 1000}
        await client.post("/api/v2/payments/confirm", json=order, headers=headers)
        first = await arrived.get()
        await keep("payment", first.message_id, DONE, str(first.headers[FINGERPRINT]))
        async with client.post("/api/v2/payments/confirm", json=order, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "seated"})
        # the database alone must tell another body: Redis may have been emptied
        await redis.delete(f"idem:{first.message_id}")
        other = {**order, "amount": 2000}
        async with client.post("/api/v2/payments/confirm", json=other, headers=headers) as answer:
            assert (answer.status, (await answer.json())["type"]) == (422, "/problems/idempotency-key-reused")
        assert arrived.empty()


@pytest.mark.parametrize("heard", ["over Redis", "in the inbox"])
async def test_waiting_request_gets_the_outcome(  # noqa: PLR0917 - fixtures
    client: aiohttp.ClientSession, token: Any, consume: Consume, reply: Any, keep: Any, heard: str
) -> None:
    async with consume(JOIN) as arrived:
        began = time.monotonic()
        request = _started(client.post("/api/v2/meetings/6/join", headers=token(17, Prefer="wait=10")))
        message = await arrived.get()
        if heard == "over Redis":
            assert await reply(message, DONE) == 1
        else:
            await keep("meeting", message.message_id, DONE)
        answer = await request
        assert (answer.status, await answer.json()) == (200, {"status": "seated"})
        assert answer.headers["Preference-Applied"] == "wait=10"
        assert time.monotonic() - began < (0.9 if heard == "over Redis" else 3)


async def test_refused_outcome_is_answered_as_its_problem(
    client: aiohttp.ClientSession, token: Any, consume: Consume, reply: Any
) -> None:
    full = Problem(type="meeting-cancelled", title="The meeting was cancelled", status=410)
    async with consume(JOIN) as arrived:
        request = _started(client.post("/api/v2/meetings/6/join", headers=token(17, Prefer="wait=10")))
        await reply(await arrived.get(), Outcome(state="refused", status=410, problem=full))
        answer = await request
        assert (answer.status, answer.content_type) == (410, "application/problem+json")
        assert await answer.json() == {
            "type": "/problems/meeting-cancelled",
            "title": "The meeting was cancelled",
            "status": 410,
        }


async def test_empty_outcome_is_answered_with_204(
    client: aiohttp.ClientSession, token: Any, consume: Consume, reply: Any
) -> None:
    async with consume("user.unfollow.queue") as arrived:
        request = _started(client.delete("/api/v2/users/9/follow", headers=token(17, Prefer="wait=10")))
        await reply(await arrived.get(), Outcome(state="done", status=204))
        answer = await request
        assert (answer.status, await answer.read()) == (204, b"")


async def test_outcome_without_a_result_is_reported_without_one(
    client: aiohttp.ClientSession, token: Any, keep: Any
) -> None:
    async with client.delete("/api/v2/meetings/5/join", headers=token(17)) as answer:
        place = answer.headers["Location"]
    message_id = place.rpartition("/")[2]
    await keep("meeting", message_id, Outcome(state="done", status=204))
    async with client.get(place, headers=token(17)) as answer:
        assert await answer.json() == {"id": message_id, "state": "done", "status": 204}


async def test_wait_that_is_over_is_answered_with_202(client: aiohttp.ClientSession, token: Any) -> None:
    async with client.post("/api/v2/meetings/6/join", headers=token(17, Prefer="wait=1")) as answer:
        assert answer.status == 202
        assert "Location" in answer.headers


@pytest.mark.parametrize("prefer", ["wait=abc", "wait=-1", "wait=", "wait", "waiting=5", "wait=1.5"])
async def test_malformed_preference_is_ignored(client: aiohttp.ClientSession, token: Any, prefer: str) -> None:
    async with client.post("/api/v2/meetings/6/join", headers=token(17, Prefer=prefer)) as answer:
        assert answer.status == 202
        assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize("key", ['""', "", " ", "x" * 256, 'half"quoted', "tab\there", "caf\u00e9"])
async def test_malformed_key_is_refused(client: aiohttp.ClientSession, token: Any, key: str) -> None:
    async with client.post("/api/v2/meetings/6/join", headers=token(17, **{"Idempotency-Key": key})) as answer:
        assert answer.status == 400
        assert (await answer.json())["type"] == "/problems/idempotency-key-malformed"


async def test_command_is_reported_to_its_sender_alone(client: aiohttp.ClientSession, token: Any, keep: Any) -> None:
    async with client.post("/api/v2/meetings/7/join", headers=token(17)) as answer:
        place = answer.headers["Location"]
    message_id = place.rpartition("/")[2]
    async with client.get(place, headers=token(17)) as answer:
        assert (answer.status, await answer.json()) == (200, {"id": message_id, "state": "pending"})
    async with client.get(place, headers=token(18)) as answer:
        assert answer.status == 404
    async with client.get(place) as answer:
        assert answer.status == 401
    await keep("meeting", message_id, DONE)
    async with client.get(place, headers=token(17)) as answer:
        assert await answer.json() == {
            "id": message_id,
            "state": "done",
            "status": 200,
            "result": {"status": "seated"},
        }


async def test_failed_command_is_a_502_and_may_change_by_a_replay(
    client: aiohttp.ClientSession, token: Any, keep: Any, database: Any
) -> None:
    headers = token(17, **{"Idempotency-Key": fresh_key()})
    async with client.post("/api/v2/meetings/8/join", headers=headers) as answer:
        place = answer.headers["Location"]
    message_id = place.rpartition("/")[2]
    await keep("meeting", message_id, Outcome(state="failed", status=500))
    async with client.get(place, headers=headers) as answer:
        report = await answer.json()
        assert (answer.status, report["state"], report["status"]) == (200, "failed", 502)
    async with client.post("/api/v2/meetings/8/join", headers=headers) as answer:
        assert (answer.status, (await answer.json())["type"]) == (502, "/problems/command-failed")
    async with database("meeting") as connection:
        outcome = msgspec.json.encode(DONE)
        await connection.change(
            "UPDATE inbox SET outcome = %s WHERE message_id = %s", outcome, uuid.UUID(message_id).bytes
        )
    async with client.post("/api/v2/meetings/8/join", headers=headers) as answer:
        assert answer.status == 200


async def test_registration_can_be_asked_about_without_a_token(client: aiohttp.ClientSession) -> None:
    person = {"email": f"{fresh_key()}@momo.test", "nickname": fresh_key()[:12], "password": "correct horse"}
    async with client.post("/api/v2/users", json=person) as answer:
        assert answer.status == 202
        assert "RateLimit" in answer.headers
        place = answer.headers["Location"]
    async with client.get(place) as answer:
        assert (answer.status, (await answer.json())["state"]) == (200, "pending")


async def test_no_password_travels(client: aiohttp.ClientSession, consume: Consume) -> None:
    async with consume("user.register.queue") as arrived:
        person = {"email": f"{fresh_key()}@Momo.Test", "nickname": "민수 kim", "password": "correct horse"}
        await client.post("/api/v2/users", json=person)
        message = await arrived.get()
        sent = json.loads(message.body)
        assert sent["email"] == person["email"].lower()
        assert sent["passwordHash"].startswith("$argon2id$")
        assert b"correct horse" not in message.body


async def test_webhooks_are_believed_in_nothing_but_the_order(
    client: aiohttp.ClientSession, consume: Consume, settings: Settings
) -> None:
    changed = {"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "momo-1-17-1", "status": "DONE", "x": [1]}}
    deposit = {"secret": "s", "status": "DONE", "orderId": "momo-2-17-1"}
    async with consume("payment.inspect.queue") as arrived:
        for body, transmission in ((changed, "t1"), (changed, "t1"), (changed, "t2"), (deposit, "t3")):
            headers = {"tosspayments-webhook-transmission-id": transmission}
            async with client.post("/api/v2/payments/webhooks/toss", json=body, headers=headers) as answer:
                assert answer.status == 200
        messages = [await arrived.get() for _ in range(4)]
        assert [json.loads(m.body) for m in messages] == [{"orderId": "momo-1-17-1"}] * 3 + [{"orderId": "momo-2-17-1"}]
        ids = [m.message_id for m in messages]
        assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"data":{"orderId":"bad id!"}}', b"\xff", b'{"data":5}'])
async def test_webhook_of_unknown_shape_is_ignored(
    client: aiohttp.ClientSession, consume: Consume, body: bytes
) -> None:
    async with consume("payment.inspect.queue") as arrived:
        async with client.post("/api/v2/payments/webhooks/toss", data=body) as answer:
            assert answer.status == 200
        assert arrived.empty()

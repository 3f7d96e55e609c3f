"""The seed's first flow: join, hold, pay, seat, notice; and what becomes of it when something goes wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from momo.store.connection import connected
from tests.flows.members import Member, Stage
from tests.waiting import eventually


async def seats(member: Member, meeting: int) -> dict[str, int]:
    view = await member.get(f"/meetings/{meeting}")
    return {name: view[name] for name in ("seated", "held", "waiting")}


async def status_of(stage: Stage, order_id: str) -> str:
    async with connected(stage.settings.db_url("payment")) as database:
        rows = await database.rows("SELECT status FROM payments WHERE order_id = %s", order_id)
        return str(rows[0][0]) if rows else ""


async def paid_and_returned(stage: Stage, order_id: str) -> tuple[int, int]:
    """By Toss's ledger, after making sure that MOMO's books say the same."""
    async with connected(stage.settings.db_url("payment")) as database:
        [(amount, returned)] = await database.rows(
            "SELECT amount, returned_amount FROM payments WHERE order_id = %s", order_id
        )
    ledger = await stage.ledger(order_id)
    assert (amount, returned) == (ledger["taken"], ledger["returned"])
    return ledger["taken"], ledger["returned"]


async def test_free_join_seats_at_once_and_host_and_member_hear_of_it(stage: Stage) -> None:
    host, member = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=3)
    async with host.listens() as at_host, member.listens() as at_member:
        assert (await member.joins(meeting))["status"] == "seated"
        assert (await at_host.until("meeting.joined"))["meetingId"] == meeting
        assert (await at_member.until("meeting.joined"))["sequence"] == 1
    assert await seats(host, meeting) == {"seated": 2, "held": 0, "waiting": 0}


async def test_paid_join_holds_then_pays_then_seats_then_notifies(stage: Stage) -> None:
    host, member = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=2, fee=12_000)
    async with member.listens() as notices:
        seat = await member.joins(meeting)
        assert (seat["status"], seat["amount"]) == ("held", 12_000)
        assert await seats(host, meeting) == {"seated": 1, "held": 1, "waiting": 0}
        confirmed = await member.pays(seat)
        assert (confirmed.status, confirmed.body["status"]) == (200, "CONFIRMING")
        await notices.until("meeting.joined")
    assert await seats(host, meeting) == {"seated": 2, "held": 0, "waiting": 0}
    assert await paid_and_returned(stage, seat["orderId"]) == (12_000, 0)


async def test_leaving_a_paid_seat_refunds_by_policy_and_offers_it_to_the_first_who_waits(stage: Stage) -> None:
    host, first, second = await stage.member(), await stage.member(), await stage.member()
    meeting = await host.opens(capacity=2, fee=10_000, refundPolicy=[{"hoursBefore": 24, "percent": 70}])
    async with first.listens() as at_first, second.listens() as at_second:
        seat = await first.joins(meeting)
        await first.pays(seat)
        await at_first.until("meeting.joined")
        assert await second.joins(meeting) == {"status": "waiting", "position": 1} | _nothing_else(seat)
        assert (await first.delete(f"/meetings/{meeting}/join")).status == 204
        await at_first.until("payment.refunded")
        await at_second.until("meeting.offer")
    assert await paid_and_returned(stage, seat["orderId"]) == (10_000, 7_000)
    assert await seats(host, meeting) == {"seated": 1, "held": 1, "waiting": 0}


def _nothing_else(seat: dict[str, Any]) -> dict[str, Any]:
    return {name: None for name in seat if name not in ("status", "position", "orderId", "amount", "holdExpiresAt")}


async def test_hold_that_is_not_paid_in_time_expires_and_can_no_longer_be_paid(stage: Stage) -> None:
    host, member = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=2, fee=10_000, holdSeconds=5)
    seat = await member.joins(meeting)
    await eventually(lambda: _is(status_of(stage, seat["orderId"]), "EXPIRED"), timeout=20)
    await eventually(lambda: _is(seats(host, meeting), {"seated": 1, "held": 0, "waiting": 0}))
    late = await member.pays(seat)
    assert (late.status, late.body["type"].rpartition("/")[2]) == (410, "payment-expired")
    assert (await stage.ledger(seat["orderId"]))["taken"] == 0


async def test_payment_that_completes_after_its_seat_went_to_another_is_refunded_in_full(stage: Stage) -> None:
    host, slow, quick = await stage.member(), await stage.member(), await stage.member()
    meeting = await host.opens(capacity=2, fee=10_000, holdSeconds=5)
    async with slow.listens() as at_slow, quick.listens() as at_quick:
        seat = await slow.joins(meeting)
        await quick.joins(meeting)
        assert (await slow.pays(seat, delayMs=8_000)).status == 200
        await at_quick.until("meeting.offer")
        await at_slow.until("payment.refunded")
        kinds = [notice["type"] for notice in at_slow.heard]
    assert kinds == ["payment.completed", "payment.refunded"]
    assert await paid_and_returned(stage, seat["orderId"]) == (10_000, 10_000)
    assert await seats(host, meeting) == {"seated": 1, "held": 1, "waiting": 0}


async def test_rejected_card_frees_the_seat_and_tells_the_member(stage: Stage) -> None:
    host, member = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=2, fee=10_000)
    async with member.listens() as notices:
        seat = await member.joins(meeting)
        assert (await member.pays(seat, failCode="INVALID_REJECT_CARD")).status == 200
        await notices.until("payment.failed")
    await eventually(lambda: _is(seats(host, meeting), {"seated": 1, "held": 0, "waiting": 0}))
    assert (await stage.ledger(seat["orderId"]))["taken"] == 0


async def test_confirm_whose_answer_never_came_is_settled_by_asking_toss(stage: Stage) -> None:
    host, member = await stage.member(), await stage.member()
    meeting = await host.opens(capacity=2, fee=10_000)
    async with member.listens() as notices:
        seat = await member.joins(meeting)
        assert (await member.pays(seat, hangUp=True)).status == 200
        await notices.until("meeting.joined")
    assert await paid_and_returned(stage, seat["orderId"]) == (10_000, 0)


async def test_host_who_calls_the_meeting_off_refunds_everybody_in_full(stage: Stage) -> None:
    host, members = await stage.member(), [await stage.member() for _ in range(3)]
    meeting = await host.opens(capacity=10, fee=10_000, refundPolicy=[])
    orders = []
    for member in members:
        seat = await member.joins(meeting)
        orders.append(seat["orderId"])
        async with member.listens() as notices:
            await member.pays(seat)
            await notices.until("meeting.joined")
    assert (await members[0].delete(f"/meetings/{meeting}")).status == 403
    assert (await host.delete(f"/meetings/{meeting}")).status == 204
    for member, order in zip(members, orders, strict=True):
        async with member.listens() as notices:
            await notices.until("payment.refunded")
        assert await paid_and_returned(stage, order) == (10_000, 10_000)
    assert (await members[0].post(f"/meetings/{meeting}/join")).status == 410


async def _is(found: Any, wanted: Any) -> bool:
    return bool(await found == wanted)


async def test_members_who_pay_the_moment_they_hold_a_seat_are_never_told_that_there_is_no_payment(
    stage: Stage,
) -> None:
    host = await stage.member()
    meeting = await host.opens(capacity=40, fee=10_000)

    async def join_and_pay(number: int) -> int:
        member = stage.known(3_000_000_000 + number)
        return (await member.pays(await member.joins(meeting))).status

    assert set(await asyncio.gather(*map(join_and_pay, range(30)))) == {200}

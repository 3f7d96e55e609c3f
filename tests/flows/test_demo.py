"""The demo: its model, an audit that sees what is wrong, and a whole day against a running MOMO."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from contracts.meeting import Seat
from momo.demo import DemoError, Report, demo
from momo.demo.audit import differences
from momo.demo.client import TWICE_AT_ONCE, TWICE_IN_TURN, Client, UnexpectedError
from momo.demo.facts import Box, Evidence, Facts
from momo.demo.model import Meeting, Model
from momo.demo.report import latency
from momo.demo.sandbox import Statement
from momo.demo.stream import Notice
from momo.gateway.internal import internal_secret
from momo.lag.depths import Depth
from momo.queries import audit
from momo.toss.model import Cancel, Payment
from tests.flows.members import Stage

HOST, ANN, BEN, CAT = 1, 2, 3, 4
ORDER = "momo-7-2-1"


def meeting_of(model: Model, fee: int = 15_001, percent: int = 50) -> Meeting:
    """A meeting with one seat: Ann's, if she pays; Ben and Cat wait."""
    meeting = Meeting(meeting_id=7, title="공방", host_id=HOST, capacity=2, fee=fee, percent=percent)
    model.opened(meeting)
    model.joined(meeting, ANN, Seat(status="held" if fee else "seated", order_id=ORDER))
    model.joined(meeting, CAT, Seat(status="waiting", position=2))
    model.joined(meeting, BEN, Seat(status="waiting", position=1))
    return meeting


def test_who_leaves_a_paid_seat_gets_the_policys_share_and_the_first_in_line_an_offer() -> None:
    model = Model()
    meeting = meeting_of(model)
    model.paid(meeting, ANN, ORDER)
    assert model.left(meeting, ANN) == BEN
    assert (model.orders[ORDER].taken, model.orders[ORDER].returned) == (15_001, 7_500)
    assert (meeting.seated, meeting.held, meeting.line) == (set(), {BEN}, [CAT])
    assert model.due[ANN] == Counter(
        {("payment.completed", 7): 1, ("meeting.joined", 7): 1, ("payment.refunded", 7): 1}
    )
    assert model.due[BEN] == Counter({("meeting.offer", 7): 1})
    assert model.due[HOST] == Counter({("meeting.joined", 7): 1, ("meeting.left", 7): 1})


def test_a_free_seat_goes_to_the_first_in_line_at_once() -> None:
    model = Model()
    meeting = meeting_of(model, fee=0)
    assert model.left(meeting, ANN) == BEN
    assert meeting.seated == {BEN}
    assert model.due[HOST]["meeting.joined", 7] == 2
    assert model.due[ANN]["payment.refunded", 7] == 0


def test_late_money_goes_back_in_full_and_a_rejected_card_moves_none() -> None:
    late, rejected = Model(), Model()
    assert late.paid_late(meeting_of(late), ANN, ORDER) == BEN
    assert (late.orders[ORDER].taken, late.orders[ORDER].returned) == (15_001, 15_001)
    assert rejected.rejected(meeting_of(rejected), ANN, ORDER) == BEN
    assert (rejected.orders[ORDER].taken, rejected.due[ANN]) == (0, Counter({("payment.failed", 7): 1}))


def test_a_race_that_oversells_leaves_seats_empty_or_breaks_the_line_is_told() -> None:
    meeting = Meeting(meeting_id=7, title="t", host_id=HOST, capacity=3, fee=0, percent=100, seated={2, 3})
    assert meeting.race() == []
    meeting.held.add(4)
    assert "3 members were given 2 seats" in meeting.race()[0]
    meeting = Meeting(meeting_id=7, title="t", host_id=HOST, capacity=3, fee=0, percent=100, waiting={5: 1, 6: 1})
    assert ["wait while" in line or "places in line" in line for line in meeting.race()] == [True, True]


def test_latency_is_by_nearest_rank_in_milliseconds() -> None:
    assert latency([n / 1000 for n in range(1, 201)]) == latency([n / 1000 for n in range(200, 0, -1)])
    assert (latency([n / 1000 for n in range(1, 201)]).p50, latency([0.001, 0.005]).p99) == (100.0, 5.0)
    assert latency([]).p99 == 0.0


def evidence() -> tuple[Model, Evidence]:
    """A day with one payment, half of it refunded, and evidence that agrees with it."""
    model = Model()
    meeting = meeting_of(model)
    model.left(meeting, CAT)
    model.paid(meeting, ANN, ORDER)
    model.left(meeting, ANN)
    row = audit.Meeting(
        meeting_id=7,
        status="full",
        capacity=2,
        fee=15_001,
        seated=1,
        held=1,
        waiting=0,
        seated_rows=1,
        held_rows=1,
        waiting_rows=0,
    )
    order = audit.Order(
        order_id=ORDER,
        meeting_id=7,
        member_id=ANN,
        status="PARTIALLY_REFUNDED",
        amount=15_001,
        refunded=7_500,
        returned=7_500,
    )
    payment = Payment(
        payment_key="key",
        order_id=ORDER,
        status="PARTIAL_CANCELED",
        total_amount=15_001,
        balance_amount=7_501,
        cancels=[Cancel(cancel_amount=7_500)],
    )
    boxes = {member_id: box_of(due) for member_id, due in model.due.items()}
    mailboxes = [
        audit.Mailbox(member_id=who, last_sequence=n, unread=n, rows=n, by_type={})
        for who, n in ((who, len(box.listed)) for who, box in boxes.items())
    ]
    facts = Facts(
        users=audit.Users(users=4, follows=0, wrong_counters=()),
        meetings=[row],
        orders=[order],
        notices=mailboxes,
        engine={"meeting": audit.Engine(outbox=0, timers_due=0, timers=1, handled=9, failed=2)},
        queues={"meeting.join.queue": Depth(), "meeting.join.dlq": Depth()},
    )
    ledgers = {7: Statement(taken=15_001, returned=7_500, payments=[payment])}
    return model, Evidence(facts=facts, failed_before=2, ledgers=ledgers, boxes=boxes)


def box_of(due: Counter[tuple[str, int | None]]) -> Box:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    notices = [
        Notice(sequence=n, type=kind, content="", meeting_id=about, created_at=at)
        for n, (kind, about) in enumerate(due.elements(), start=1)
    ]
    return Box(heard=notices, listed=notices)


def tampered(found: Evidence, path: str, value: Any) -> Evidence:
    """`found` with the field at `path` changed; built from JSON, so that nothing is shared."""
    whole_thing = msgspec.to_builtins(found, builtin_types=(datetime,), str_keys=True)
    *way, last = path.split(".")
    place: Any = whole_thing
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = value
    return msgspec.convert(whole_thing, Evidence, strict=False)


def test_evidence_that_agrees_with_the_model_has_no_difference() -> None:
    assert differences(*evidence()) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("facts.meetings.0.seatedRows", 3, "3 seated and 1 held in 2 seats"),
        ("facts.meetings.0.waiting", 1, "the counter says 1 waiting, the rows 0"),
        ("facts.meetings.0.status", "open", "is open, the day makes it full"),
        ("facts.meetings", [], "is not in the database"),
        ("facts.users.wrongCounters", [ANN], "the follower counters differ"),
        ("facts.orders.0.returned", 7_499, "Toss's ledger (15001, 7500)"),
        ("facts.orders.0.status", "CONFIRMING", "still CONFIRMING"),
        ("facts.orders", [], "MOMO's books say taken and returned (0, 0) KRW"),
        ("ledgers.7.returned", 7_501, "Toss's journal has taken and returned (15001, 7501)"),
        ("ledgers.7.payments", [], "the day makes it (15001, 7500)"),
        ("facts.notices.0.lastSequence", 9, "last number, rows and unread of the mailbox"),
        ("boxes.2.heard", [], "the WebSocket brought notices []"),
        ("boxes.2.heard.0.content", "other", "differs from what is listed"),
        ("boxes.3.listed", [], "1 x meeting.offer of meeting 7 is missing"),
        ("boxes.2.listed.0.type", "user.followed", "1 x user.followed of meeting 7 is not due"),
        ("facts.queues", {"meeting.join.dlq": {"ready": 1}}, "meeting.join.dlq holds 1 messages"),
        ("facts.queues", {"meeting.join.queue": {"missing": True}}, "meeting.join.queue does not exist"),
        ("facts.engine.meeting.outbox", 1, "the outbox of meeting holds 1 entries"),
        ("facts.engine.meeting.timersDue", 2, "2 timers of meeting are due"),
        ("facts.engine.meeting.failed", 3, "1 commands have failed"),
    ],
)
def test_whatever_differs_is_told(path: str, value: Any, said: str) -> None:
    model, found = evidence()
    assert any(said in line for line in differences(model, tampered(found, path, value)))


def test_a_notice_heard_twice_or_out_of_order_is_told() -> None:
    changes: list[Callable[[list[Notice]], list[Notice]]] = [lambda heard: [*heard, heard[-1]], lambda h: h[::-1]]
    for change in changes:
        model, found = evidence()
        box = found.boxes[ANN]
        found.boxes[ANN] = msgspec.structs.replace(box, heard=change(box.heard))
        assert [line for line in differences(model, found) if "the WebSocket brought notices" in line]


class Always(random.Random):
    """Sends every command twice, one after the other."""

    def random(self) -> float:
        return TWICE_AT_ONCE + TWICE_IN_TURN / 2


async def commanded(answers: list[tuple[int, Any]]) -> tuple[Client, list[str]]:
    """A client after one command against a server that gives these answers in turn, and the keys it sent."""
    keys = []

    async def answer(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        status, body = answers.pop(0)
        return web.json_response(body, status=status, headers={"Retry-After": "0"})

    app = web.Application()
    app.router.add_post("/act", answer)
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:
        client = Client(session, Always())
        await client.command("act", "POST", "/act", {"a": 1})
    return client, keys


async def test_a_busy_answer_is_asked_again_and_a_repeat_answered_otherwise_is_a_difference() -> None:
    client, keys = await commanded([(503, None), (201, {"id": 1}), (201, {"id": 1})])
    assert (len(keys), len(set(keys))) == (3, 1)
    assert (client.commands, client.repeated, client.differences) == (1, 1, [])
    client, _ = await commanded([(201, {"id": 1}), (201, {"id": 2})])
    assert "answered 201 {'id': 1} and then 201 {'id': 2}" in client.differences[0]


async def test_a_refused_command_is_no_command_of_the_day() -> None:
    with pytest.raises(UnexpectedError, match=r"act \(POST /act\) was answered 409: Full"):
        await commanded([(409, {"title": "Full"}), (409, {"title": "Full"})])


async def test_a_day_with_too_few_members_or_without_a_momo_does_not_begin() -> None:
    for members, reason in ((9, "10 to 2,000 members"), (10, "no MOMO answers")):
        with pytest.raises(DemoError, match=reason):
            await demo(
                "http://127.0.0.1:9",
                "http://127.0.0.1:9",
                members=members,
                seed=1,
                progress=False,
                internal_secret=b"",
            )


async def test_a_whole_day_leaves_no_difference(stage: Stage) -> None:
    settings = stage.settings
    report = await demo(
        f"http://{settings.host}:{settings.port}",
        settings.toss_url,
        members=12,
        seed=3,
        progress=False,
        internal_secret=internal_secret(settings.token_secret),
    )
    assert report.differences == []
    assert report.ok
    assert report.meetings == 9
    assert report.taken > report.returned > 0
    assert report.repeated > 0
    assert report.resumed == 2
    shown = msgspec.json.decode(msgspec.json.encode(report), type=dict)
    assert {"ok", "differences", "commands", "seconds", "latency_ms"} <= shown.keys()
    assert set(shown["latency_ms"]) == {"p50", "p99"}
    assert isinstance(report, Report)

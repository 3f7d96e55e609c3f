"""Payments, and what Toss tells of them."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from contracts.payment import ConfirmPayment, InspectPayment, PaymentView
from momo.broker.envelope import seal
from momo.broker.identity import business_id
from momo.gateway.bodies import Body
from momo.gateway.documented import outcome
from momo.gateway.headers import traceparent
from momo.gateway.parameters import Cursor, Limit, asked
from momo.gateway.problems import not_found, problem
from momo.gateway.routes.given import Incoming, Using, Who
from momo.gateway.tokens import SIGNED_IN
from momo.queries import payment as queries
from momo.queries.pages import Page

logger = logging.getLogger(__name__)

ORDER_ID = r"^[A-Za-z0-9_-]{6,64}$"
TRANSMISSION = "tosspayments-webhook-transmission-id"

OrderId = Annotated[str, PathParameter(pattern=ORDER_ID)]


class Confirmation(Body, frozen=True, kw_only=True):
    """What the checkout window's redirect carried. `amount` in KRW."""

    payment_key: Annotated[str, Meta(pattern=r"^[\x21-\x7e]+$", max_length=200)]
    order_id: Annotated[str, Meta(pattern=ORDER_ID)]
    amount: Annotated[int, Meta(ge=1, le=1_000_000_000)]


class _Data(msgspec.Struct, rename="camel"):
    order_id: str = ""


class _Webhook(msgspec.Struct, rename="camel"):
    """The two shapes of Toss's webhooks, as far as anything of them is used: which order to ask for."""

    order_id: str = ""
    data: JSONBody[_Data] = msgspec.field(default_factory=_Data)


_decode = msgspec.json.Decoder(_Webhook).decode


@post("/confirm", status_code=202, responses=outcome(200, PaymentView), **SIGNED_IN)
async def confirm(
    request: Incoming,
    data: JSONBody[Confirmation],
    member: Who,
    resources: Using,
) -> Response[bytes]:
    """The member has authenticated the payment: asks Toss to take the money."""
    message = ConfirmPayment(
        member_id=member.member_id, order_id=data.order_id, payment_key=data.payment_key, amount=data.amount
    )
    return await resources.commands.send(request, "payment", message, sender=member.sender)


@post("/webhooks/toss", status_code=200)
async def toss(request: Incoming, resources: Using) -> Response[None]:
    """Anybody can send this, so nothing in it is believed: MOMO asks Toss how the order stands."""
    body = await request.body()
    order_id = _order_of(body)
    if order_id is None:
        logger.info("a webhook of unknown shape is ignored: %r", body[:200])
        return Response(None, status_code=200)
    resources.queues.admit("payment.inspect.queue")
    # Toss repeats what it thinks was not heard under the same transmission id, which the inbox then knows
    act = request.headers.get(TRANSMISSION, "")[:200] or hashlib.sha256(body).hexdigest()
    envelope = seal(
        InspectPayment(order_id=order_id),
        message_id=business_id("payments/webhooks/toss", (order_id, act)),
        sender="toss",
        traceparent=traceparent(request),
        app_id="momo-gateway",
    )
    await resources.publisher.publish([envelope], timeout=0.8)
    return Response(None, status_code=200)


def _order_of(body: bytes) -> str | None:
    try:
        webhook = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    order_id = webhook.data.order_id or webhook.order_id
    return order_id if re.fullmatch(ORDER_ID, order_id) else None


@get("/{order_id:str}", **SIGNED_IN)
async def payment(order_id: OrderId, member: Who, resources: Using) -> PaymentView:
    """One payment of mine."""
    found = await queries.payment(resources.databases["payment"], order_id)
    if found is None:
        raise not_found("payment")
    if found.member_id != member.member_id:
        raise problem("not-your-payment", "This payment is another member's", 403)
    return found


@get("/", **SIGNED_IN)
async def payments(member: Who, resources: Using, cursor: Cursor = None, limit: Limit = 20) -> Page[PaymentView]:
    """My payments, the newest first."""
    with asked():
        return await queries.payments(resources.databases["payment"], member.member_id, cursor=cursor, limit=limit)


def router() -> Router:
    handlers = [confirm, toss, payment, payments]
    return Router("/api/v2/payments", route_handlers=handlers, tags=["payments"])

"""The sandbox's routes: Toss's API under /v1, the buyer, the switches and the ledger under /sandbox."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Litestar, Request, Response, Router, delete, get, post, put
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from momo.toss.sandbox import answers
from momo.toss.sandbox.desk import Desk
from momo.toss.sandbox.faults import Fault
from momo.toss.sandbox.ledger import KST, Refusal, Statement

HttpRequest = Request[Any, Any, Any]


class Confirm(msgspec.Struct, rename="camel"):
    payment_key: Annotated[str, msgspec.Meta(max_length=200)]
    order_id: str
    amount: int


class Cancellation(msgspec.Struct, rename="camel"):
    cancel_reason: str
    cancel_amount: int | None = None


class Checkout(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    order_id: str
    amount: int
    order_name: Annotated[str, msgspec.Meta(max_length=100)] = "MOMO"


class Authenticated(msgspec.Struct, rename="camel"):
    """What the success redirect of the checkout window carries."""

    payment_key: str
    order_id: str
    amount: int
    payment_type: str = "NORMAL"


class Health(msgspec.Struct, rename="camel"):
    status: str
    webhooks_pending: int


@post("/confirm")
async def confirm(request: HttpRequest, state: State, data: JSONBody[Confirm]) -> Response[bytes]:
    desk: Desk = state.desk

    def act() -> Any:
        desk.strike(data.order_id, data.payment_key, aborts=True)
        return desk.ledger.confirm(data.payment_key, data.order_id, data.amount, datetime.now(KST))

    return answers.response(await desk.write(request, data.order_id, act))


@post("/{payment_key:str}/cancel")
async def cancel(
    request: HttpRequest, state: State, payment_key: FromPath[str], data: JSONBody[Cancellation]
) -> Response[bytes]:
    desk: Desk = state.desk
    order_id = desk.ledger.find(payment_key).order_id

    def act() -> Any:
        desk.strike(order_id, payment_key, aborts=False)
        return desk.ledger.cancel(payment_key, data.cancel_reason, data.cancel_amount, datetime.now(KST))

    return answers.response(await desk.write(request, order_id, act))


@get("/{payment_key:str}")
async def find(state: State, payment_key: FromPath[str]) -> Response[bytes]:
    desk: Desk = state.desk
    return answers.response(await desk.read(lambda: desk.ledger.find(payment_key)))


@get("/orders/{order_id:str}")
async def find_order(state: State, order_id: FromPath[str]) -> Response[bytes]:
    desk: Desk = state.desk
    return answers.response(await desk.read(lambda: desk.ledger.find_order(order_id)))


@post("/checkout", status_code=200)
async def checkout(state: State, data: JSONBody[Checkout]) -> Authenticated:
    """Plays the buyer who authenticates in the checkout window."""
    desk: Desk = state.desk
    payment = desk.checkout(data.order_id, data.amount, data.order_name)
    return Authenticated(payment.payment_key, payment.order_id, payment.total_amount)


@put("/faults")
async def put_fault(state: State, data: JSONBody[Fault]) -> Fault:
    state.desk.faults.put(data)
    return data


@put("/faults/orders/{order_id:str}")
async def put_order_fault(state: State, order_id: FromPath[str], data: JSONBody[Fault]) -> Fault:
    state.desk.faults.put(data, order_id)
    return data


@delete("/faults")
async def clear_faults(state: State) -> None:
    state.desk.faults.clear()


@get("/ledger")
async def ledger(state: State, prefix: FromQuery[str] = "") -> Statement:
    statement: Statement = state.desk.ledger.statement(prefix)
    return statement


@get("/health")
async def health(state: State) -> Health:
    return Health("up", state.desk.webhooks.pending)


def admitted(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    connection.app.state.desk.admit(connection)


def create(desk: Desk) -> Litestar:
    """The sandbox as an ASGI application; it starts and stops the desk's webhooks."""

    async def start() -> None:
        await desk.webhooks.start()

    return Litestar(
        [
            Router("/v1/payments", route_handlers=[confirm, cancel, find, find_order], guards=[admitted]),
            Router("/sandbox", route_handlers=[checkout, put_fault, put_order_fault, clear_faults, ledger, health]),
        ],
        state=State({"desk": desk}, deep_copy=False),
        on_startup=[start],
        on_shutdown=[desk.stop],
        exception_handlers={
            Refusal: answers.on_refusal,
            HTTPException: answers.on_http_error,
            Exception: answers.on_error,
        },
        openapi_config=None,
        logging_config=None,  # logging belongs to the process
    )

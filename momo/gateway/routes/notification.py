"""Notices: listed, counted, and streamed over WebSockets."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from litestar import Router, WebSocket, get, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.params import QueryParameter

from momo.gateway.parameters import MOST_ID, Limit
from momo.gateway.problems import ProblemError, invalid
from momo.gateway.routes.given import Using, Who
from momo.gateway.sockets import BAD_REQUEST, BAD_TOKEN, TRY_LATER, Closed
from momo.gateway.tokens import SIGNED_IN, Member, bearer
from momo.queries import notification as queries
from momo.store.errors import StoreError

logger = logging.getLogger(__name__)

SUBPROTOCOL = "access_token"

Sequence = Annotated[int | None, QueryParameter(ge=0, le=MOST_ID)]


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    unread: int


class NoticePage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[queries.Notice]


@get("/", **SIGNED_IN)
async def notifications(
    member: Who,
    resources: Using,
    after: Sequence = None,
    before: Sequence = None,
    limit: Limit = 20,
) -> NoticePage:
    """My notices: the latest first, those below `before`; or, with `after`, those above it, the oldest first."""
    database = resources.databases["notification"]
    if after is not None and before is not None:
        raise invalid("before", "give either after or before")
    if after is not None:
        return NoticePage(items=await queries.missed(database, member.member_id, after=after, limit=limit))
    return NoticePage(items=await queries.latest(database, member.member_id, before=before, limit=limit))


@get("/unread", **SIGNED_IN)
async def unread(member: Who, resources: Using) -> Unread:
    """How many of my notices I have not read."""
    return Unread(unread=await queries.unread(resources.databases["notification"], member.member_id))


@websocket("/stream")
async def stream(socket: WebSocket[Any, Any, Any], resources: Using) -> None:
    """My notices, each once and in sequence: those after `?after=SEQUENCE`, then what comes. The token stands in the
    Authorization header, in `?access_token=`, or as the second subprotocol after `access_token`."""
    offered = [part.strip() for part in socket.headers.get("sec-websocket-protocol", "").split(",") if part.strip()]
    await socket.accept(subprotocols=SUBPROTOCOL if SUBPROTOCOL in offered else None)
    try:
        member = resources.tokens.read(_token(socket, offered))
        after = _after(socket.query_params.get("after"))
        await _feed(socket, resources, member, after)
    except ProblemError as error:
        await _close(socket, BAD_TOKEN, error.problem.type)
    except Closed as closed:
        await _close(socket, closed.code, closed.reason)
    except StoreError as error:
        logger.warning("a socket can't be served: %s", error)
        await _close(socket, TRY_LATER, "try again later")


async def _feed(socket: WebSocket[Any, Any, Any], resources: Using, member: Member, after: int | None) -> None:
    """Until the client leaves. Closed and StoreError of the feed pass through."""

    async def send(text: bytes) -> None:
        await socket.send_data(text.decode(), mode="text")

    feeding = asyncio.create_task(resources.sockets.serve(member.member_id, after, send))
    listening = asyncio.create_task(_until_gone(socket))
    try:
        await asyncio.wait({feeding, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        listening.cancel()
        if not feeding.done():
            feeding.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect):
            await feeding
        await asyncio.gather(listening, return_exceptions=True)


async def _until_gone(socket: WebSocket[Any, Any, Any]) -> None:
    """Clients have nothing to say here; what they send is read, for that is how their leaving is noticed."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_data(mode="text")


async def _close(socket: WebSocket[Any, Any, Any], code: int, reason: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(code=code, reason=reason)


def _token(socket: WebSocket[Any, Any, Any], offered: list[str]) -> str:
    if SUBPROTOCOL in offered and len(offered) > 1:
        return next(part for part in offered if part != SUBPROTOCOL)
    token = socket.query_params.get("access_token")
    return token or bearer(socket)


def _after(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise Closed(BAD_REQUEST, "after should be a sequence: 0, 1, 2, …")
    return int(text)


def router() -> Router:
    return Router("/api/v2/notifications", route_handlers=[notifications, unread, stream], tags=["notifications"])

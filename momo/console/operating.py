"""The queues over HTTP: what one is for, the switch that pauses it, and the log of what operators did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from contracts.topology import QUEUES, Queue, queue_named
from momo.console.access import ADMIN, LIFETIME_SECONDS, Pass, operator
from momo.console.dead import mending
from momo.dlq import acts
from momo.dlq.acts import Act
from momo.dlq.switch import switch
from momo.gateway.bodies import Body
from momo.gateway.problems import not_found
from momo.gateway.routes.given import Incoming, Using, Who
from momo.settings import DATABASES
from momo.store.errors import StoreError

PER_DATABASE_SECONDS = 3.0
"""A database that does not answer in so long is left out of the log, which says so."""


class Order(Body, frozen=True, kw_only=True):
    """What to do with a queue, in every process; a pause lasts until it is resumed."""

    act: Literal["pause", "resume"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Obeyed(msgspec.Struct, frozen=True):
    """How many processes have heard of it; one that has not finds the order within a second of being back."""

    heard: int


class Described(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A queue as the topology has it; `contract` is JSON Schema."""

    name: str
    key: str
    exchange: str
    service: str
    kind: str
    attempts: int
    dead_letter_queue: str
    contract_name: str
    contract: dict[str, Any]


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """The newest acts, newest first; `away` are services whose log could not be read."""

    items: list[Act]
    away: list[str]


class Topology(msgspec.Struct, frozen=True):
    items: list[Described]


@get("/live", **ADMIN)
async def live(request: Incoming, resources: Using) -> Stream:
    """Server-sent events: `history` once, then a `frame` each second. Ends with the pass, to be shown again."""
    shown = request.scope.get("auth")
    until = shown.expires if isinstance(shown, Pass) else time.time() + LIFETIME_SECONDS
    events: AsyncIterator[bytes] = resources.console.feed.watch(until)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(events, media_type="text/event-stream", headers=headers)


@get("/topology", **ADMIN)
async def topology() -> Topology:
    """Every queue with its service, contract and dead-letter queue."""
    return Topology([_described(queue) for queue in QUEUES])


@post("/queues/{name:str}", status_code=200, **ADMIN)
async def order(name: FromPath[str], data: JSONBody[Order], member: Who, resources: Using) -> Obeyed:
    """Pauses a queue in every process, or ends each of its pauses."""
    try:
        queue = queue_named(name)
    except KeyError:
        raise not_found("queue") from None
    async with mending():
        by = operator(member)
        return Obeyed(await switch(resources.console.settings, data.act, queue, by=by, reason=data.reason))


@get("/acts", **ADMIN)
async def log(resources: Using) -> Response[Log]:
    """What operators did, in all services."""
    read = await asyncio.gather(*(_acts(resources, service) for service in DATABASES))
    found = {act.act_id: act for acts_of_one in read for act in acts_of_one or ()}
    items = sorted(found.values(), key=lambda act: act.act_id, reverse=True)[: acts.SHOWN]
    away = [service for service, acts_of_one in zip(DATABASES, read, strict=True) if acts_of_one is None]
    return Response(Log(items=items, away=away), headers={"Cache-Control": "no-store"})


async def _acts(resources: Any, service: str) -> list[Act] | None:
    try:
        async with asyncio.timeout(PER_DATABASE_SECONDS):
            return await acts.of_service(resources.databases[service])
    except (StoreError, TimeoutError):
        return None


def _described(queue: Queue) -> Described:
    return Described(
        name=queue.name,
        key=queue.key,
        exchange=queue.exchange,
        service=queue.service,
        kind=queue.kind,
        attempts=queue.attempts,
        dead_letter_queue=queue.dead_letter_queue,
        contract_name=queue.contract.__name__,
        contract=_schema(queue),
    )


def _schema(queue: Queue) -> dict[str, Any]:
    """The contract with everything it refers to; its reference to itself resolved."""
    schema = msgspec.json.schema(queue.contract)
    definitions = schema.pop("$defs", {})
    own: dict[str, Any] = definitions.pop(schema.get("$ref", "").rpartition("/")[2], schema)
    return own | ({"$defs": definitions} if definitions else {})


HANDLERS = [live, topology, order, log]

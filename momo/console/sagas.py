"""The sagas of one unfinished state, the longest in it first."""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar import get
from litestar.params import FromPath

from contracts.moment import Moment
from momo.console.access import ADMIN
from momo.gateway.problems import not_found
from momo.gateway.routes.given import Using
from momo.queries.reading import Reader

MOST = 100


class Saga(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A seat to be paid or given, or a payment to be made, confirmed or returned: in its state since `since`; `until`
    is when its timer ends it."""

    saga: Literal["seat", "payment"]
    state: str
    order_id: str
    meeting_id: int
    member_id: int
    since: Moment
    until: Moment | None


class Sagas(msgspec.Struct, frozen=True):
    items: list[Saga]


_SEAT = Reader(
    Saga,
    {
        "saga": "'seat'",
        "state": "p.status",
        "order_id": "p.order_id",
        "meeting_id": "p.meeting_id",
        "member_id": "p.member_id",
        "since": "p.changed_at",
        "until": "p.hold_expires_at",
    },
)
# as the observer counts them: through the index of meetings that somebody waits for
_SEATS = (
    f"SELECT {_SEAT.columns} FROM meetings m JOIN meeting_participants p ON p.meeting_id = m.meeting_id"
    " WHERE m.unsettled = 1 AND m.starts_at > UTC_TIMESTAMP(6) - INTERVAL 1 DAY AND p.status = %s"
    f" ORDER BY p.changed_at LIMIT {MOST}"
)


def _payments(state: str, since: str, until: str, chosen: str) -> tuple[Reader[Saga], str]:
    reader = Reader(Saga, {"saga": "'payment'", "state": f"'{state}'", "since": since, "until": until})
    return reader, f"SELECT {reader.columns} FROM payments WHERE {chosen} ORDER BY {since} LIMIT {MOST}"


_PAYMENTS = {
    "PENDING": _payments("PENDING", "created_at", "expires_at", "status = 'PENDING'"),
    "CONFIRMING": _payments("CONFIRMING", "COALESCE(confirm_started_at, created_at)", "NULL", "status = 'CONFIRMING'"),
    "REFUNDING": _payments("REFUNDING", "COALESCE(asked_at, created_at)", "NULL", "unreturned = 1"),
}


@get("/sagas/{saga:str}/{stage:str}", **ADMIN)
async def stuck(saga: FromPath[str], stage: FromPath[str], resources: Using) -> Sagas:
    """At most a hundred sagas."""
    if saga == "seat" and stage in ("held", "waiting"):
        return Sagas([_SEAT.read(row) for row in await resources.databases["meeting"].rows(_SEATS, stage)])
    if saga == "payment" and stage in _PAYMENTS:
        reader, sql = _PAYMENTS[stage]
        return Sagas([reader.read(row) for row in await resources.databases["payment"].rows(sql)])
    raise not_found("state of a saga")


HANDLERS = [stuck]

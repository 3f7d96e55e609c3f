"""How a command ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, Router, get
from litestar.params import FromPath

from momo.broker import identity
from momo.gateway.commands import report
from momo.gateway.documented import CommandReport, content
from momo.gateway.problems import not_found
from momo.gateway.routes.given import Incoming, Using
from momo.gateway.tokens import ANONYMOUS, bearer


@get("/{command_id:str}", responses=content(CommandReport, "How it stands."))
async def outcome(request: Incoming, command_id: FromPath[str], resources: Using) -> Response[dict[str, Any]]:
    """Pending, done with its result, refused or failed with its problem. Only its sender may ask; one that was sent
    without a token may be asked without."""
    try:
        message_id = UUID(command_id)
    except ValueError:
        raise not_found("command") from None
    if not identity.issued_to(resources.command_secret, message_id, ANONYMOUS):
        member = resources.tokens.read(bearer(request))
        if not identity.issued_to(resources.command_secret, message_id, member.sender):
            raise not_found("command")
    service = identity.service_of(message_id)
    if service is None:
        raise not_found("command")
    known = await resources.inbox.find(service, message_id)
    found = report(message_id, known.outcome if known else None)
    return Response(found, headers={"Cache-Control": "no-store"})


def router() -> Router:
    return Router("/api/v2/commands", route_handlers=[outcome], tags=["commands"])

"""What only MOMO's own processes may ask."""

from __future__ import annotations

from typing import Any

from litestar import Router, get

from momo.gateway.internal import internal_only
from momo.gateway.parameters import Id
from momo.gateway.problems import not_found
from momo.gateway.routes.given import Using
from momo.internal.users import User
from momo.lag.depths import queue_depths
from momo.queries import audit
from momo.queries import internal as queries
from momo.settings import DATABASES


@get("/audit")
async def facts(resources: Using) -> dict[str, Any]:
    """The facts that an audit of a day compares: counters against rows, money, notices, what is still under way."""
    databases = {service: resources.databases[service] for service in DATABASES}
    return {
        "users": await audit.users(databases["user"]),
        "meetings": await audit.meetings(databases["meeting"]),
        "payments": await audit.payments(databases["payment"]),
        "orders": await audit.orders(databases["payment"]),
        "notices": await audit.notices(databases["notification"]),
        "engine": {service: await audit.engine(database) for service, database in databases.items()},
        "queues": await queue_depths(resources.amqp_url),
    }


@get("/users/{user_id:int}")
async def user(user_id: Id, resources: Using) -> User:
    """A member as the other services know them, also one who has withdrawn."""
    found = await queries.user(resources.databases["user"], user_id)
    if found is None:
        raise not_found("member")
    return found


def router() -> Router:
    return Router(
        "/internal", route_handlers=[facts, user], guards=[internal_only], tags=["internal"], include_in_schema=False
    )

"""The gateway as an ASGI application: the routes of the services that are mounted, and what they share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import ScalarRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from momo.console import routes as console
from momo.gateway.bodies import StrictJson
from momo.gateway.documented import Bodies, document
from momo.gateway.problems import HANDLERS
from momo.gateway.resources import Resources
from momo.gateway.routes import category, command, internal, meeting, notification, payment, status, story, user
from momo.gateway.tokens import current_member
from momo.gateway.traced import traced
from momo.settings import SERVICES, Settings

MOST_BYTES = 64 * 1024
"""The largest request body."""

EVERYTHING = (*SERVICES, "console")
"""What a gateway can serve. Where gateways may only read databases, the console's acts need one of its own, which runs
as the operator: `momo serve console`."""

ROUTERS: dict[str, Callable[[], Router]] = {
    "user": user.router,
    "category": category.router,
    "meeting": meeting.router,
    "payment": payment.router,
    "notification": notification.router,
}


def build(settings: Settings, services: Sequence[str] = EVERYTHING) -> Litestar:
    """The gateway of `services`. It runs while its servers are away (not ready), and recovers by itself."""
    resources = Resources(settings, [service for service in services if service in ROUTERS])

    @asynccontextmanager
    async def opened(_: Litestar) -> AsyncIterator[None]:
        await resources.start()
        try:
            yield
        finally:
            await resources.stop()

    app = Litestar(
        route_handlers=[
            *(ROUTERS[service]() for service in services if service in ROUTERS),
            *((console.router(), story.router()) if "console" in services else ()),
            command.router(),
            internal.router(),
            status.router(),
        ],
        lifespan=[opened],
        state=State({"resources": resources}),
        dependencies={
            "resources": Provide(lambda: resources, sync_to_thread=False),
            "member": Provide(current_member, sync_to_thread=False),
        },
        dto=StrictJson,
        return_dto=None,
        exception_handlers=HANDLERS,
        request_max_body_size=MOST_BYTES,
        plugins=[Bodies()],
        openapi_config=OpenAPIConfig(
            title="MOMO",
            version="2",
            description="Every write is a command: 202 with a Location, or the outcome with `Prefer: wait=N`.",
            path="/schema",
            render_plugins=[ScalarRenderPlugin()],
            components=Components(
                security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
            ),
        ),
        logging_config=None,
    )
    document(app.routes)
    # around routing too: an address that has no route is counted as well
    app.asgi_handler = traced(resources.metrics.middleware(resources.entrance.middleware(app.asgi_handler)))
    return app

"""Where everything of the console is: `/console` the page, `/console/api` what it asks and does."""

from __future__ import annotations

from litestar import Router

from momo.asyncapi import routes as asyncapi
from momo.console import dead, operating, pages, sagas, search, session


def router() -> Router:
    """Not in the public OpenAPI document, like all that MOMO has for itself."""
    api = [*session.HANDLERS, *operating.HANDLERS, *dead.HANDLERS, *sagas.HANDLERS, *search.HANDLERS]
    return Router(
        "/console",
        route_handlers=[*pages.HANDLERS, *asyncapi.HANDLERS, Router("/api", route_handlers=api)],
        tags=["console"],
        include_in_schema=False,
    )

"""One request's story, for admins."""

from __future__ import annotations

import msgspec
from litestar import Response, Router, get
from litestar.params import FromPath

from momo.console.access import ADMIN
from momo.gateway.documented import content
from momo.gateway.problems import not_found, unavailable
from momo.gateway.routes.given import Using
from momo.settings import DATABASES
from momo.stories.hops import Story
from momo.stories.letters import Letters
from momo.stories.reading import Reading


@get("/{story_id:str}", responses=content(Story, "All its hops."), **ADMIN)
async def story(story_id: FromPath[str], resources: Using) -> Response[bytes]:
    """The story of a request, hop by hop over all services, by the id of its command or of any message in it."""
    databases = {service: resources.databases[service] for service in DATABASES}
    reading = Reading(databases, Letters(resources.amqp_url))
    found = await reading.story(story_id)
    if found is None:
        raise unavailable(reading.away[0].capitalize()) if reading.away else not_found("story")
    return Response(msgspec.json.encode(found), media_type="application/json", headers={"Cache-Control": "no-store"})


def router() -> Router:
    return Router("/console/api/stories", route_handlers=[story], tags=["console"])

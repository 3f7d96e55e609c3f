"""Every route and every role, against a whole MOMO: the matrix says what is answered, and knows all routes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from litestar.routes import HTTPRoute, WebSocketRoute

from momo.gateway.app import build
from momo.gateway.internal import HEADER, internal_secret, sign
from momo.gateway.tokens import Member as Identity
from momo.gateway.tokens import Tokens
from momo.settings import Settings
from tests.flows.members import Member, Stage
from tests.security.matrix import MATRIX, ROLES

CASES = [
    pytest.param(route, role, status, id=f"{role} {route}")
    for route, statuses in MATRIX.items()
    for role, status in zip(ROLES, statuses, strict=True)
]
PASSWORD = "a-password"
QUEUE = "meeting.join.queue"
ASKED = {
    "GET /console/api/dead/letters": {"queue": QUEUE, "fingerprint": "nothing"},
    "GET /console/api/dead/letter": {"queue": QUEUE, "id": "nothing"},
    "GET /console/api/search": {"q": "nobody"},
}
CHANGES_THE_MEETING = {
    "DELETE /api/v2/meetings/{meeting_id}",
    "POST /api/v2/meetings/{meeting_id}/join",
    "DELETE /api/v2/meetings/{meeting_id}/join",
    "POST /api/v2/payments/confirm",
}


class Scene(msgspec.Struct):
    """A meeting with its host, and the member who holds a seat in it."""

    people: dict[str, Member]
    meeting: int
    seat: dict[str, Any]
    command: str


def routes() -> set[str]:
    """Every route that a gateway of all services answers; OPTIONS changes and tells nothing."""
    found = set()
    for route in build(Settings()).routes:
        if isinstance(route, HTTPRoute):
            found |= {f"{method} {route.path_format}" for method in route.methods if method != "OPTIONS"}
        if isinstance(route, WebSocketRoute):
            found.add(f"WS {route.path_format}")
    return found


def test_matrix_has_a_line_for_every_route_and_for_no_other() -> None:
    assert set(MATRIX) == routes()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(stage: Stage) -> dict[str, Member]:
    found = {role: await stage.member() for role in ("member", "other", "host", "admin")}
    admin = found["admin"]
    token = Tokens(stage.settings.token_secret).sign(
        Identity(member_id=admin.member_id, nickname="admin", role="admin")
    )
    admin.headers["Authorization"] = f"Bearer {token}"
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(people: dict[str, Member]) -> Scene:
    return await opened(people)


async def opened(people: dict[str, Member]) -> Scene:
    meeting = await people["host"].opens(capacity=10, fee=10_000)
    answer = await people["member"].post(f"/meetings/{meeting}/join")
    return Scene(people=people, meeting=meeting, seat=answer.body, command=answer.headers["command-id"])


@pytest.mark.parametrize(("route", "role", "status"), CASES)
async def test_role_is_answered_as_the_matrix_says(
    stage: Stage, scene: Scene, route: str, role: str, status: int
) -> None:
    method, _, path = route.partition(" ")
    if route in CHANGES_THE_MEETING:
        scene = await opened(scene.people)
    headers = await sent_by(stage, scene, route, role)
    followed = scene.people["host" if role != "host" else "member"]
    path = path.format(
        user_id=followed.member_id,
        meeting_id=scene.meeting,
        order_id=scene.seat["orderId"],
        command_id=scene.command,
        story_id=scene.command,
        name="console.css" if "/static/" in route else QUEUE,
        saga="seat",
        stage="held",
        path="nothing",
    )
    if method == "WS":
        assert await answer_of_socket(stage, path, headers) == status
        return
    if role == "internal":
        headers[HEADER] = sign(internal_secret(stage.settings.token_secret), method, path)
    if route == "DELETE /api/v2/users/{user_id}/follow" and status == 204:
        await stage.request("POST", path, **headers)
    body = await body_of(stage, route, scene)
    sent = {"Prefer": "wait=20", "Idempotency-Key": str(uuid4()), **headers}
    async with stage.client.request(method, path, params=ASKED.get(route), json=body, headers=sent) as answer:
        # a stream goes on
        text = "" if answer.content_type == "text/event-stream" else await answer.text()
    assert answer.status == status, text
    if status >= 400 and path != "/schema/nothing":
        assert answer.content_type == "application/problem+json"


async def sent_by(stage: Stage, scene: Scene, route: str, role: str) -> dict[str, str]:
    """The headers by which `role` is known; who leaves MOMO is somebody else each time."""
    if role not in scene.people:
        return {}
    return (await stage.member() if route == "DELETE /api/v2/users/me" else scene.people[role]).headers


async def body_of(stage: Stage, route: str, scene: Scene) -> Any:
    name = uuid4().hex[:12]
    account = {"email": f"{name}@momo.test", "nickname": name, "password": PASSWORD}
    if route == "POST /api/v2/users/login":
        await stage.request("POST", "/api/v2/users", account)
        return {"email": account["email"], "password": PASSWORD}
    if route == "POST /api/v2/payments/confirm":
        return await stage.checkout(scene.seat)
    meeting = {
        "title": "산책", "categoryId": 1, "placeName": "서울숲", "latitude": 37.54, "longitude": 127.04, "capacity": 5,
        "startsAt": "2040-01-01T00:00:00Z", "endsAt": "2040-01-01T02:00:00Z",
    }  # fmt: skip
    letter = {"queue": QUEUE, "id": "nothing"}
    return {
        "POST /api/v2/users": account,
        "POST /api/v2/meetings": meeting,
        "POST /console/api/session": {"email": account["email"], "password": PASSWORD},
        "POST /console/api/queues/{name}": {"act": "resume"},
        "POST /console/api/dead/edit": {**letter, "body": "{}"},
        "POST /console/api/dead/replay": {"queue": QUEUE, "dryRun": True},
        "POST /console/api/dead/drop": {**letter, "reason": "a test"},
    }.get(route)


async def answer_of_socket(stage: Stage, path: str, headers: dict[str, str]) -> int:
    """The code that a socket is closed with, or 101 where it stays open."""
    async with stage.client.ws_connect(f"{path}?after=0", headers=headers) as socket:
        try:
            while (message := await socket.receive(timeout=0.3)).type is aiohttp.WSMsgType.TEXT:
                continue
        except TimeoutError:
            return 101
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        return socket.close_code or 0


async def test_token_of_one_member_is_none_for_an_internal_call_and_the_other_way_round(
    stage: Stage, people: dict[str, Member]
) -> None:
    signature = sign(internal_secret(stage.settings.token_secret), "GET", "/internal/audit")
    for path, headers in [
        ("/internal/audit", {HEADER: people["admin"].headers["Authorization"]}),
        ("/api/v2/users/me", {"Authorization": f"Bearer {signature}"}),
        ("/api/v2/users/me", {HEADER: signature}),
        ("/internal/audit", {HEADER: signature.replace("v1=", "v1=0")}),
        ("/internal/audit", {HEADER: sign(internal_secret(stage.settings.token_secret), "POST", "/internal/audit")}),
    ]:
        async with stage.client.get(path, headers=headers) as answer:
            assert answer.status == 401, (path, headers)

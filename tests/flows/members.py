"""Members as the flows' tests have them: a token, a client, and what they do over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec

from momo.gateway.tokens import Member as Identity
from momo.gateway.tokens import Tokens
from momo.settings import Settings

_numbers = itertools.count(1)


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: Any
    headers: dict[str, str]


class Stage:
    """A running MOMO, and the way to be somebody in it."""

    def __init__(self, settings: Settings, client: aiohttp.ClientSession) -> None:
        self.settings = settings
        self.client = client
        self._tokens = Tokens(settings.token_secret)

    async def member(self) -> Member:
        """A member who has registered."""
        name = f"m{next(_numbers)}{uuid4().hex[:6]}"
        answer = await self.request(
            "POST", "/api/v2/users", {"email": f"{name}@momo.test", "nickname": name, "password": "a-password"}
        )
        assert answer.status == 201, answer
        return self.known(answer.body["userId"], name)

    def known(self, member_id: int, nickname: str = "somebody") -> Member:
        """A member by id; who only joins meetings need not be registered."""
        token = self._tokens.sign(Identity(member_id=member_id, nickname=nickname, role="member"))
        return Member(self, member_id, {"Authorization": f"Bearer {token}"})

    async def request(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """Waits for the outcome, unless told otherwise by a `Prefer` header."""
        sent = {"Prefer": "wait=20", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if method != "GET":
            sent["Idempotency-Key"] = key or str(uuid4())
        async with self.client.request(method, path, json=body, headers=sent) as response:
            text = await response.text()
            return Answer(response.status, msgspec.json.decode(text) if text else None, dict(response.headers))

    async def checkout(self, seat: Any, **faults: Any) -> dict[str, Any]:
        """The member's browser at Toss: what `POST /payments/confirm` takes. `faults`: the sandbox's for this order."""
        sandbox = self.settings.toss_url
        if faults:
            async with self.client.put(f"{sandbox}/sandbox/faults/orders/{seat['orderId']}", json=faults) as response:
                assert response.status < 300, await response.text()
        order = {"orderId": seat["orderId"], "amount": seat["amount"]}
        async with self.client.post(f"{sandbox}/sandbox/checkout", json=order) as response:
            return {**order, "paymentKey": (await response.json())["paymentKey"]}

    async def ledger(self, order_id: str) -> dict[str, Any]:
        """What Toss took and gave back for an order."""
        async with self.client.get(f"{self.settings.toss_url}/sandbox/ledger", params={"prefix": order_id}) as response:
            return dict(await response.json())


class Member:
    """One member of a stage."""

    def __init__(self, stage: Stage, member_id: int, headers: dict[str, str]) -> None:
        self.stage = stage
        self.member_id = member_id
        self.headers = headers

    async def get(self, path: str) -> Any:
        answer = await self.stage.request("GET", f"/api/v2{path}", **self.headers)
        assert answer.status == 200, answer
        return answer.body

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.stage.request("POST", f"/api/v2{path}", body, **{**self.headers, **options})

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.stage.request("DELETE", f"/api/v2{path}", **{**self.headers, **options})

    async def opens(self, *, capacity: int, fee: int = 0, **more: Any) -> int:
        """Hosts a meeting; its id."""
        starts = datetime.now(UTC) + timedelta(days=3)
        meeting = {
            "title": "산책",
            "categoryId": 1,
            "placeName": "서울숲",
            "latitude": 37.54,
            "longitude": 127.04,
            "startsAt": starts.isoformat(),
            "endsAt": (starts + timedelta(hours=2)).isoformat(),
            "capacity": capacity,
            "fee": fee,
            **more,
        }
        answer = await self.post("/meetings", meeting)
        assert answer.status == 201, answer
        return int(answer.body["meetingId"])

    async def joins(self, meeting: int) -> Any:
        answer = await self.post(f"/meetings/{meeting}/join")
        assert answer.status == 200, answer
        return answer.body

    async def pays(self, seat: Any, **faults: Any) -> Answer:
        """Confirms at once, before the payment may have been registered."""
        return await self.post("/payments/confirm", await self.stage.checkout(seat, **faults))

    @asynccontextmanager
    async def listens(self, after: int = 0) -> AsyncIterator[Notices]:
        """The member's notices as a socket gets them, from the one behind `after`."""
        path = f"/api/v2/notifications/stream?after={after}"
        async with self.stage.client.ws_connect(path, headers=self.headers) as socket:
            yield Notices(socket)


class Notices:
    """An open socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.heard: list[dict[str, Any]] = []

    async def until(self, kind: str) -> dict[str, Any]:
        """The next notice of `kind`; those before it are heard as well."""
        while True:
            notice = await self._socket.receive_json(timeout=20)
            self.heard.append(notice)
            if notice["type"] == kind:
                return dict(notice)

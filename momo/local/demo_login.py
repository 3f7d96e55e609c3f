"""The member that `momo up` registers, so that a newcomer can log in at once."""

from __future__ import annotations

import aiohttp

EMAIL = "demo@momo.test"
PASSWORD = "momo-demo-1234"  # noqa: S105  # published on purpose: it exists on private instances only
NICKNAME = "demo"


async def register(gateway: str) -> str | None:
    """Register the demo member through the gateway; None when it exists now, else one line that says why not."""
    member = {"email": EMAIL, "nickname": NICKNAME, "password": PASSWORD}
    headers = {"Idempotency-Key": "momo-demo-login", "Prefer": "wait=10"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15)) as session,
            session.post(f"{gateway}/api/v2/users", json=member, headers=headers) as response,
        ):
            if response.status < 400 or response.status == 409:  # 409: registered before
                return None
            return f"not registered: {response.status} {(await response.text())[:200]}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"not registered: {error or 'no answer within 15 s'}"

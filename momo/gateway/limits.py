"""Rate limits: fixed windows counted by a Redis script, one count for all processes; open while Redis is away."""

from __future__ import annotations

import hashlib
import logging

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from momo.gateway.problems import problem

logger = logging.getLogger(__name__)

# KEYS[1] the window; ARGV[1] its length in seconds. Returns the count and the seconds left.
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
"""


class Limit(msgspec.Struct, frozen=True):
    """At most `quota` acts in `window` seconds for one subject."""

    name: str
    quota: int
    window: int


LOGIN = Limit("login", 10, 60)
"""For one e-mail address: guessing a password is slow, and a whole office behind one address logs in undisturbed."""
REGISTER = Limit("register", 10, 60)
"""For one e-mail address."""
REGISTER_FROM = Limit("register-from", 3000, 60)
"""For one client address."""


class Limits:
    def __init__(self, redis: Redis) -> None:
        self._count = redis.register_script(_COUNT)

    async def take(self, limit: Limit, subject: str) -> dict[str, str]:
        """Counts one act and returns the RateLimit headers. Raises a 429 problem once the quota is used up."""
        digest = hashlib.sha256(subject.encode()).hexdigest()[:32]
        try:
            count, left = await self._count(keys=[f"limit:{limit.name}:{digest}"], args=[limit.window])
        except RedisError as error:
            logger.warning("rate limit %s is open: %s", limit.name, error)
            return {}
        headers = {
            "RateLimit-Policy": f'"{limit.name}";q={limit.quota};w={limit.window}',
            "RateLimit": f'"{limit.name}";r={max(0, limit.quota - count)};t={left}',
        }
        if count > limit.quota:
            raise problem(
                "too-many-requests",
                "Too many requests",
                429,
                f"Try again in {left} seconds.",
                headers={**headers, "Retry-After": str(left)},
            )
        return headers

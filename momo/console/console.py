"""What one gateway process holds open for the console."""

from __future__ import annotations

from redis.asyncio import Redis

from momo.console.access import Passes, operator
from momo.console.feed import Feed
from momo.console.letters import DeadLetters
from momo.dlq.desk import Desk
from momo.gateway.tokens import Member
from momo.settings import Settings


class Console:
    """Opens nothing before somebody looks."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self.settings = settings
        self.passes = Passes(settings.token_secret)
        self.letters = DeadLetters(settings)
        self.feed = Feed(settings, redis, self.letters)

    def desk(self, member: Member) -> Desk:
        """A desk whose acts are `member`'s."""
        return Desk(self.settings, by=operator(member))

    def drain(self) -> None:
        self.feed.drain()

    async def stop(self) -> None:
        await self.feed.stop()
        await self.letters.stop()

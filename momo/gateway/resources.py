"""What one gateway process holds open: broker, databases, Redis, and what is built on them."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from momo.gateway.categories import Categories
from momo.gateway.channels import Channels
from momo.gateway.commands import CommandGateway
from momo.gateway.health import Health
from momo.gateway.internal import internal_secret
from momo.gateway.limits import Limits
from momo.gateway.metrics import CountingPublisher, Metrics
from momo.gateway.notices import Notices
from momo.gateway.outcomes import Inbox, Outcomes
from momo.gateway.passwords import Passwords
from momo.gateway.sessions import Sessions
from momo.gateway.sockets import Sockets
from momo.gateway.tokens import Tokens
from momo.settings import SERVICES, Settings
from momo.store.pool import Pool


class Resources:
    """Built without opening anything. `start` succeeds while any of the servers is away; each comes back by itself."""

    def __init__(self, settings: Settings, services: Sequence[str]) -> None:
        secret = settings.token_secret.encode()
        self.amqp_url = settings.amqp_url
        # every service's inbox can be asked for a command's outcome, whichever services are mounted here
        self.pools = {settings.db_url(service): Pool(settings.db_url(service)) for service in SERVICES}
        self.databases = {service: self.pools[settings.db_url(service)] for service in SERVICES}
        self.metrics = Metrics()
        self.publisher = CountingPublisher(settings.amqp_url, name="momo-gateway", metrics=self.metrics)
        self.redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                settings.redis_url,
                max_connections=16,
                timeout=1.0,
                protocol=2,
                socket_connect_timeout=0.5,
                socket_timeout=1.0,
                # once more on a new connection: the idle one may have died with the Redis before this one
                retry=Retry(NoBackoff(), 1),
            )
        )
        self.channels = Channels(settings.redis_url)
        self.inbox = Inbox(self.databases)
        self.outcomes = Outcomes(self.channels, self.inbox)
        self.commands = CommandGateway(
            secret=secret,
            publisher=self.publisher,
            inbox=self.inbox,
            outcomes=self.outcomes,
            redis=self.redis,
            channels=self.channels,
        )
        self.sockets = Sockets(self.channels, Notices(self.databases["notification"]))
        self.metrics.watch_sockets(lambda: self.sockets.count)
        self.tokens = Tokens(settings.token_secret)
        self.command_secret = secret
        self.internal_secret = internal_secret(settings.token_secret)
        self.passwords = Passwords()
        self.sessions = Sessions(self.redis)
        self.limits = Limits(self.redis)
        self.categories = Categories(self.databases["category"])
        self.health = Health(
            publisher=self.publisher,
            databases={service: self.databases[service] for service in services},
            channels=self.channels,
            services=services,
        )

    async def start(self) -> None:
        await self.channels.start()
        await self.outcomes.start()
        await self.publisher.start()
        await self.health.start()

    def drain(self) -> None:
        """No longer ready; waits end now, sockets are asked to come back elsewhere. Requests under way go on."""
        self.health.draining = True
        self.outcomes.drain()
        self.sockets.drain()

    async def stop(self) -> None:
        await self.health.stop()
        await self.publisher.stop()
        await self.channels.stop()
        for pool in self.pools.values():
            await pool.stop()
        await self.redis.aclose()
        self.passwords.close()

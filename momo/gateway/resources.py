"""What one gateway process holds open: broker, databases, Redis, and what is built on them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from momo.broker.address import connection_url
from momo.console.console import Console
from momo.gateway.categories import Categories
from momo.gateway.channels import Channels
from momo.gateway.commands import CommandGateway
from momo.gateway.entrance import Entrance
from momo.gateway.health import Health, queues_of
from momo.gateway.internal import internal_secret
from momo.gateway.limits import Limits
from momo.gateway.metrics import CountingPublisher, Metrics
from momo.gateway.notices import Notices
from momo.gateway.outcomes import Inbox, Outcomes
from momo.gateway.passwords import Passwords
from momo.gateway.queues import Queues
from momo.gateway.sessions import Sessions
from momo.gateway.sockets import Sockets
from momo.gateway.tokens import Tokens
from momo.internal.users import UserClient
from momo.settings import SERVICES, Settings
from momo.steady import SteadyConnection
from momo.store.pool import Pool
from momo.telemetry.metrics import watch_breaker


class Resources:
    """Built without opening anything. `start` succeeds while any of the servers is away; each comes back by itself."""

    def __init__(self, settings: Settings, services: Sequence[str]) -> None:
        secret = settings.token_secret.encode()
        self.amqp_url = settings.amqp_url
        # every service's inbox can be asked for a command's outcome, whichever services are mounted here
        self.pools = {settings.db_url(service): Pool(settings.db_url(service)) for service in SERVICES}
        self.databases = {service: self.pools[settings.db_url(service)] for service in SERVICES}
        self.metrics = Metrics()
        self.redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                settings.redis_url,
                connection_class=SteadyConnection,
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
        self.queues = Queues(
            connection_url(settings.amqp_url, "momo-gateway queues"),
            queues_of(services),
            redis=self.redis,
            channels=self.channels,
            shed_lag=settings.shed_lag_seconds,
            metrics=self.metrics,
        )
        self.publisher = CountingPublisher(
            settings.amqp_url, name="momo-gateway", metrics=self.metrics, confirmed=self.queues.published
        )
        self.inbox = Inbox(self.databases)
        self.outcomes = Outcomes(self.channels, self.inbox)
        self.commands = CommandGateway(
            secret=secret,
            publisher=self.publisher,
            inbox=self.inbox,
            outcomes=self.outcomes,
            redis=self.redis,
            channels=self.channels,
            queues=self.queues,
        )
        self.entrance = Entrance()
        self.metrics.watch_requests(lambda: self.entrance.under_way)
        self.sockets = Sockets(self.channels, Notices(self.databases["notification"]))
        self.metrics.watch_sockets(lambda: self.sockets.count)
        self.tokens = Tokens(settings.token_secret)
        self.command_secret = secret
        self.internal_secret = internal_secret(settings.token_secret)
        self.users = UserClient(settings.user_url or f"http://{settings.host}:{settings.port}", self.internal_secret)
        watch_breaker(self.users.breaker)
        self._open = AsyncExitStack()
        self.passwords = Passwords()
        self.sessions = Sessions(self.redis)
        self.limits = Limits(self.redis)
        self.console = Console(settings, self.redis)
        self.categories = Categories(self.databases["category"])
        self.health = Health(
            publisher=self.publisher,
            databases={service: self.databases[service] for service in services},
            channels=self.channels,
            queues=self.queues,
        )

    async def start(self) -> None:
        await self._open.enter_async_context(self.users)
        await self.channels.start()
        await self.outcomes.start()
        await self.publisher.start()
        await self.queues.start()
        await self.health.start()

    def leave(self) -> None:
        """No longer ready; still answers, and closes each connection with its next answer."""
        self.health.draining = True
        self.entrance.closing = True

    def drain(self) -> None:
        """Waits end now, sockets are asked to come back elsewhere. Requests under way go on."""
        self.outcomes.drain()
        self.sockets.drain()
        self.console.drain()

    async def stop(self) -> None:
        await self.console.stop()
        await self.health.stop()
        await self.queues.stop()
        await self._open.aclose()
        await self.publisher.stop()
        await self.channels.stop()
        for pool in self.pools.values():
            await pool.stop()
        await self.redis.aclose()
        self.passwords.close()

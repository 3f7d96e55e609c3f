"""The processes of a MOMO under test, and whether all is well with them: running, ready, every queue consumed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
from aiormq.exceptions import AMQPError

from contracts.topology import QUEUES
from momo.broker.address import connect
from momo.chaos.child import Child
from momo.local.server import LocalError
from momo.settings import Settings

READY_SECONDS = 60.0


class Unsettled(LocalError):
    """The site is not as it should be; the text says what is amiss."""


class Members:
    """Gateways, workers and relays, and the sandbox that they pay through. `settings` go straight to the servers."""

    def __init__(self, settings: Settings, members: list[Child], sandbox: Child) -> None:
        self.settings = settings
        self.members = members
        self.sandbox = sandbox
        self.back: dict[str, float] = {}
        """By kind of fault, where it was looked at: how long it took at most, in seconds, from its beginning until all
        that it had left in reach worked again."""

    @property
    def gateways(self) -> list[str]:
        """The gateways' base URLs."""
        return [child.ready_url.removesuffix("/health/ready") for child in self.role("gateway")]

    def role(self, role: str) -> list[Child]:
        """The members that are a `gateway`, `worker` or `relay`."""
        return [child for child in self.members if child.role == role]

    async def kill(self, child: Child) -> None:
        """SIGKILL; the site starts it again."""
        await child.kill()

    async def stop(self, child: Child) -> int:
        """SIGTERM, and waits for its end: its return code. It stays away until `start`."""
        return await child.stop(self.settings.grace_seconds + 5)

    async def start(self, child: Child) -> None:
        """Starts a child that was stopped."""
        await child.start()

    async def ready(self, child: Child, timeout: float = READY_SECONDS) -> None:  # noqa: ASYNC109
        """Waits until `child` says that it does its work. Raises Unsettled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as http:
            await until_none(timeout, lambda: _unready(http, child))

    async def settled(self, timeout: float = READY_SECONDS) -> None:  # noqa: ASYNC109
        """Waits until every process runs and is ready, and every queue has its consumers. Raises Unsettled."""
        await until_none(timeout, self.amiss)

    async def amiss(self) -> list[str]:
        """What is not as it should be, a line each."""
        return await self.amiss_of([*self.members, self.sandbox])

    async def amiss_of(self, children: Sequence[Child]) -> list[str]:
        """What is not as it should be of `children`, all of whose workers must consume every queue."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as http:
            said = await asyncio.gather(*(_unready(http, child) for child in children))
        found = [line for lines in said for line in lines]
        return found or await self._unconsumed(sum(child.role == "worker" for child in children))

    async def consumers(self) -> dict[str, int]:
        """How many consumers each queue has. Raises what aiormq raises where the broker or a queue is not there."""
        connection = await connect(self.settings.amqp_url)
        try:
            channel = await connection.channel()
            answers = [await channel.queue_declare(queue.name, passive=True, timeout=5) for queue in QUEUES]
        finally:
            await connection.close()
        return {queue.name: answer.consumer_count or 0 for queue, answer in zip(QUEUES, answers, strict=True)}

    async def open(self) -> None:
        """Starts every process, and waits until all have settled."""
        await asyncio.gather(*(child.start() for child in [self.sandbox, *self.members]))
        await self.settled()

    async def close(self) -> None:
        """Ends every process: gateways first, so that what they have sent is still carried out."""
        await asyncio.gather(*map(self.stop, self.role("gateway")))
        await asyncio.gather(*(self.stop(child) for child in [*self.members, self.sandbox]))

    async def _unconsumed(self, wanted: int) -> list[str]:
        try:
            async with asyncio.timeout(5):
                counts = await self.consumers()
        except (AMQPError, OSError, RuntimeError, TimeoutError) as error:
            return [f"the consumers can't be counted: {type(error).__name__}: {error}"]
        return [f"{name} has {count} consumers, not {wanted}" for name, count in counts.items() if count < wanted]


async def until_none(seconds: float, amiss: Callable[[], Awaitable[list[str]]]) -> None:
    """Waits until nothing is `amiss`. Raises Unsettled."""
    left = ["nothing was looked at in time"]
    try:
        async with asyncio.timeout(seconds):
            while left := await amiss():  # noqa: ASYNC110  # other processes have no event for us
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise Unsettled(f"not settled after {seconds:g} s: {'; '.join(left)}") from None


async def _unready(http: aiohttp.ClientSession, child: Child) -> list[str]:
    if child.pid is None:
        return [f"{child.name} does not run"]
    try:
        async with http.get(child.ready_url) as response:
            if response.status == 200:  # OK
                return []
            return [f"{child.name} says {response.status}: {(await response.text())[:300]}"]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [f"{child.name} does not answer: {type(error).__name__}"]

"""`momo demo`: plays a day against a running MOMO, waits until nothing moves any more, and audits it."""

from __future__ import annotations

import asyncio
import random
import resource
import time
from http import HTTPStatus
from uuid import uuid4

import aiohttp

from momo.demo import audit
from momo.demo.cast import Cast
from momo.demo.client import Client, UnexpectedError
from momo.demo.day import Day
from momo.demo.facts import Evidence, boxes, drained, facts
from momo.demo.member import Member
from momo.demo.model import Model
from momo.demo.report import Report, latency
from momo.demo.sandbox import Sandbox

FEWEST, MOST = 10, 2000
"""How many members a day takes."""
_REQUEST = aiohttp.ClientTimeout(total=40)


class DemoError(Exception):
    """The day can't begin; the text says why in one line."""


async def demo(
    gateway_url: str,
    toss_url: str,
    *,
    members: int,
    seed: int | None,
    progress: bool,
    internal_secret: bytes,
    internal_url: str = "",
) -> Report:
    """A day with `members` (10 to 2,000) at the MOMO behind `gateway_url`, with the sandbox at `toss_url`.

    `seed` fixes who leaves and what is sent twice; `internal_secret` is `momo.gateway.internal.internal_secret` of the
    instance. Where `gateway_url` is a balancer, `internal_url` is a gateway behind it, which also answers what no
    balancer passes on. Raises DemoError when the day can't begin; what goes wrong later is a difference in the report.
    """
    if not FEWEST <= members <= MOST:
        raise DemoError(f"a day takes {FEWEST} to {MOST:,} members, not {members}")
    _allow_files(members + 200)
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    rng = random.Random(seed)  # noqa: S311 - chooses who leaves, keeps no secret
    async with (
        aiohttp.ClientSession(
            gateway_url,
            timeout=_REQUEST,
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as momo,
        aiohttp.ClientSession(internal_url or gateway_url, timeout=_REQUEST) as internal,
        aiohttp.ClientSession(toss_url, timeout=_REQUEST) as toss,
    ):
        client, sandbox, model = Client(momo, rng), Sandbox(toss), Model()
        category_id = await _category(client, internal)
        run = uuid4().hex[:8]
        people = [Member(client, run, number) for number in range(1, members + 1)]
        day = Day(Cast(sandbox, model, category_id), people, rng, progress=progress)
        differences = day.differences
        began = ended = time.monotonic()
        evidence: Evidence | None = None
        try:
            failed_before = (await facts(internal, internal_secret)).failed
            await day.play()
            people = [member for member in people if member.member_id]
            found = await drained(internal, internal_secret, sandbox, people, model)
            ended = time.monotonic()
            evidence = Evidence(
                facts=found,
                failed_before=failed_before,
                ledgers={meeting_id: await sandbox.statement(meeting_id) for meeting_id in model.meetings},
                boxes=await boxes(people),
            )
        except UnexpectedError as error:
            differences.append(str(error))
        finally:
            await asyncio.gather(*(member.stream.stop() for member in people))
    differences += client.differences
    differences += [
        f"{member.nickname} lost the WebSocket: {why}" for member in people if (why := member.stream.refused)
    ]
    if evidence is not None:
        differences += audit.differences(model, evidence)
    ledgers = evidence.ledgers.values() if evidence else ()
    seconds = round(ended - began, 2)
    return Report(
        ok=not differences,
        differences=differences,
        commands=client.commands,
        seconds=seconds,
        latency_ms=latency([taken for spent in client.seconds.values() for taken in spent]),
        commands_per_second=round(client.commands / seconds, 1) if seconds else 0.0,
        latency_ms_by_command={what: latency(spent) for what, spent in client.seconds.items()},
        repeated=client.repeated,
        members=len(people),
        meetings=len(model.meetings),
        notices=sum(len(member.stream.notices) for member in people),
        resumed=sum(member.stream.resumed for member in people),
        taken=sum(ledger.taken for ledger in ledgers),
        returned=sum(ledger.returned for ledger in ledgers),
        seed=seed,
    )


async def _category(client: Client, internal: aiohttp.ClientSession) -> int:
    """Any category, which a meeting needs; the first thing that is asked of MOMO. Raises DemoError."""
    try:
        async with internal.get("/health/ready") as ready:
            if ready.status != HTTPStatus.OK:
                raise DemoError(f"MOMO is not ready: {(await ready.text())[:200]}")
        async with client.session.get("/api/v2/categories") as response:
            return int((await response.json())["items"][0]["categoryId"])
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise DemoError(f"no MOMO answers: {error}") from error


def _allow_files(wanted: int) -> None:
    """Every member has a socket: raises the limit on open files as far as is needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))

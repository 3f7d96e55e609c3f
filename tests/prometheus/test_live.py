"""A real Prometheus with the committed rules watches a whole MOMO through a day: every query has an answer."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
import yaml
from msgspec.structs import replace

from momo.demo import Report, demo
from momo.gateway.internal import internal_secret
from momo.local import process as processes
from momo.local.ports import free_port
from momo.local.readiness import until_ready
from momo.local.servers import Servers
from momo.local.stage import prepare, process
from momo.settings import Settings
from tests.prometheus.committed import PROMETHEUS, alerts, operands, panel_queries, rules

pytestmark = pytest.mark.timeout(180)


class Watched:
    """A MOMO whose worker can be stopped, and the Prometheus that watches it."""

    def __init__(self, settings: Settings, client: aiohttp.ClientSession, worker: asyncio.subprocess.Process) -> None:
        self.settings = settings
        self.client = client
        self.worker = worker
        self.report: Report | None = None

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus answers now: the series, each with its labels and value."""
        async with self.client.get("/api/v1/query", params={"query": query}) as answer:
            found = await answer.json()
            assert found["status"] == "success", (query, found)
            data = found["data"]
        return data["result"] if data["resultType"] == "vector" else [{"value": data["result"]}]

    async def value(self, query: str) -> float:
        """The one number that answers `query`; NaN where there is none yet."""
        found = await self.ask(query)
        return float(found[0]["value"][1]) if found else float("nan")

    async def unanswered(self, queries: Mapping[str, str]) -> list[str]:
        """Those of `queries`, by where they stand, that have no data."""
        slots = asyncio.Semaphore(8)

        async def empty(query: str) -> bool:
            async with slots:
                return not await self.ask(query)

        answers = await asyncio.gather(*map(empty, queries.values()))
        return [f"{place}: {query}" for (place, query), none in zip(queries.items(), answers, strict=True) if none]


async def until(look: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Waits until `look` gives something false, and tells what it last gave if it does not."""
    found: object = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = await look()
                if not found:
                    return
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise AssertionError(found) from None


@asynccontextmanager
async def prometheus(folder: Path, targets: Mapping[str, Sequence[str]]) -> AsyncIterator[str]:
    """Debian's, with what is committed for it, looking each second at `targets`; its address."""
    found = shutil.which("prometheus")
    assert found, "prometheus is not installed: `make test` installs it"
    shutil.copytree(PROMETHEUS, folder)
    for job, addresses in targets.items():
        (folder / "targets" / f"{job}.yml").write_text(yaml.safe_dump([{"targets": list(addresses)}]))
    configuration = folder / "prometheus.yml"
    configuration.write_text(configuration.read_text().replace("_interval: 5s", "_interval: 1s"))
    address = f"127.0.0.1:{free_port()}"
    words = (f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}", "--log.level=warn")
    with (folder / "log").open("wb") as log:
        child = await processes.spawn(
            [found, f"--config.file={configuration}", "--enable-feature=exemplar-storage", *words], {}, log
        )
        try:
            await until_ready(f"http://{address}/-/ready")
            yield f"http://{address}"
        finally:
            await processes.finish(child, 5.0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watched(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """After a day of the demo."""
    settings = await prepare(servers, "watched")
    ports = {job: free_port() for job in ("worker", "relay")}
    targets = {job: [f"127.0.0.1:{port}"] for job, port in (*ports.items(), ("gateway", settings.port))}
    targets["rabbitmq"] = [urlsplit(servers.rabbitmq.prometheus_url).netloc]
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        address = await enter(prometheus(tmp_path_factory.mktemp("watched") / "prometheus", targets))
        for command in ("toss-sandbox", "serve"):
            await enter(process(settings, command))
        await enter(process(replace(settings, metrics_port=ports["relay"]), "relay"))
        worker = await enter(process(replace(settings, metrics_port=ports["worker"]), "work"))
        gateway = f"http://{settings.host}:{settings.port}"
        await until_ready(f"{gateway}/health/ready")
        site = Watched(settings, await enter(aiohttp.ClientSession(address)), worker)
        site.report = await demo(
            gateway,
            settings.toss_url,
            members=10,
            seed=5,
            progress=False,
            internal_secret=internal_secret(settings.token_secret),
        )
        yield site


async def test_every_panels_query_has_an_answer(watched: Watched) -> None:
    queries = dict(panel_queries())
    assert len(queries) > 500
    await until(lambda: watched.unanswered(queries), 15)


async def test_every_rules_query_has_an_answer(watched: Watched) -> None:
    queries = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}
    for alert in alerts():
        queries |= {f"{alert['alert']} {number}": part for number, part in enumerate(operands(alert["expr"]))}
    await until(lambda: watched.unanswered(queries), 15)
    async with watched.client.get("/api/v1/rules") as answer:
        groups = (await answer.json())["data"]["groups"]
    evaluated = [rule for group in groups for rule in group["rules"]]
    assert len(evaluated) == len(rules())
    assert {rule["name"]: rule.get("lastError") for rule in evaluated if rule["health"] != "ok"} == {}


async def test_no_alert_fires_when_the_day_has_ended_well(watched: Watched) -> None:
    assert watched.report is not None
    assert watched.report.differences == []
    # a machine that is busy with other things may rightly be told to be slow
    slow = "MomoCriticalTime.+|MomoHttpErrors|MomoGatewaySheds|MomoQueueLags"
    firing = await watched.ask(f'ALERTS{{alertstate="firing", alertname!~"{slow}"}}')
    assert [alert["metric"] for alert in firing] == []


async def test_the_money_counted_is_the_money_that_moved(watched: Watched) -> None:
    report = watched.report
    assert report is not None
    assert report.taken > report.returned > 0
    wanted = {"taken": float(report.taken), "returned": float(report.returned)}

    async def apart() -> list[str]:
        queries = {direction: f'sum(momo_money_won_total{{direction="{direction}"}})' for direction in wanted}
        found = {direction: await watched.value(query) for direction, query in queries.items()}
        return [f"{found}, not {wanted}"] if found != wanted else []

    await until(apart, 15)  # the last second of the day may not be scraped yet


async def test_a_stopped_worker_is_seen_as_growing_age_within_15_seconds(watched: Watched) -> None:
    watched.worker.terminate()
    await watched.worker.wait()
    gateway = f"http://{watched.settings.host}:{watched.settings.port}"
    body = {"email": "late@momo.test", "password": "momo-demo-1234", "nickname": "late"}
    async with aiohttp.ClientSession(gateway) as client, client.post("/api/v2/users", json=body) as answer:
        assert answer.status == 202, await answer.text()

    async def young() -> str:
        age = await watched.value('queue_kind:momo_queue_oldest_age_seconds:max{queue="user.register.queue"}')
        gone = await watched.ask('ALERTS{alertname="MomoQueueUnconsumed", queue="user.register.queue"}')
        return "" if age > 3 and gone else f"age {age}, {gone}"

    await until(young, 15)

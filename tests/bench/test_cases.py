"""Each case of `momo bench` in a tiny size: it does its work, checks what came of it, and gives sane figures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from contracts.meeting import JoinMeeting
from momo.bench import drained
from momo.bench.backlog import backlog, load
from momo.bench.drain import drain
from momo.bench.ground import Figures, Ground, Size, reset, waiting
from momo.bench.hot import hot, spread
from momo.bench.http import http
from momo.bench.idle import idle
from momo.bench.joins import fill
from momo.bench.latency import latency
from momo.bench.overload import overload
from momo.bench.push import push
from momo.bench.raw import raw
from momo.bench.saga import saga
from momo.bench.telemetry import SILENT, telemetry
from momo.local.servers import Servers
from momo.local.stage import prepare
from momo.store.connection import connected

TINY = Size(
    drain=600,
    spread=400,
    meetings=50,
    sagas=20,
    requests=20,
    seconds=0.5,
    rates=(50, 100),
    lines=16,
    sockets=60,
    pushes=100,
    waiting=1_000,
    inbox=5_000,
    first=400,
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground(servers: Servers) -> AsyncIterator[Ground]:
    said: list[str] = []
    yield Ground(settings=await prepare(servers, "bench"), servers=servers, size=TINY, say=said.append)


def all_positive(figures: Figures, *names: str) -> bool:
    return all(figures[name] > 0 for name in names)


async def test_drain_measures_one_and_two_worker_processes(ground: Ground) -> None:
    found = await drain(ground)
    assert all_positive(found, "rate", "two_rate", "cpu_us", "rabbitmq_us", "mariadb_us")
    assert 1 <= found["flush"] <= ground.settings.batch
    assert 20 < found["idle_mb"] <= found["peak_mb"] + 20
    assert ground.drain_rate == found["rate"]


async def test_telemetry_runs_each_program_forth_and_back_under_the_same_load(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[tuple[str, bool, float | None]] = []
    silent = await drained.joined(ground, 50, 1, program=SILENT, traced=0.5)

    async def run(there: Ground, *_: int, program: Sequence[str], traced: float | None) -> drained.Drained:
        runs.append((there.settings.log_level, "momo.bench.silent" in program, traced))
        return silent

    monkeypatch.setattr("momo.bench.telemetry.joined", run)
    found = await telemetry(ground)
    once = [("ERROR", True, None), ("INFO", False, None), ("INFO", False, 0.01)]
    assert runs == [*once, *reversed(once)]
    assert all_positive(
        found, *(f"{name}_{figure}" for name in ("off", "on", "traced") for figure in ("rate", "cpu_us"))
    )


async def test_hot_fills_one_meeting_and_lets_the_rest_wait(ground: Ground) -> None:
    found = await hot(ground)
    async with connected(ground.settings.db_url("meeting")) as database:
        assert await database.rows("SELECT seated, waiting FROM meetings") == [(200, 200)]
    assert all_positive(found, "rate", "cpu_us")


async def test_spread_joins_every_meeting(ground: Ground) -> None:
    found = await spread(ground)
    async with connected(ground.settings.db_url("meeting")) as database:
        assert await database.rows("SELECT COUNT(*), MIN(seated), MAX(seated) FROM meetings") == [(50, 8, 8)]
    assert all_positive(found, "rate", "cpu_us")


async def test_latency_times_every_reply(ground: Ground) -> None:
    ground.drain_rate = 200
    found = await latency(ground)
    assert found["rate"] == 100
    assert 0 < found["p50_ms"] <= found["p99_ms"] < 20_000


async def test_saga_ends_with_seat_payment_and_notice(ground: Ground) -> None:
    found = await saga(ground)
    assert found["rate"] > 0
    assert 0 < found["p50_ms"] <= found["p99_ms"] < 20_000


async def test_idle_http_answers_with_the_outcome(ground: Ground) -> None:
    found = await idle(ground)
    async with connected(ground.settings.db_url("meeting")) as database:
        assert await database.rows("SELECT SUM(seated) FROM meetings") == [(70,)]
    assert 0 < found["p50_ms"] <= found["p99_ms"]


async def test_http_takes_what_it_is_offered(ground: Ground) -> None:
    found = await http(ground)
    assert 0 < found["accepted_rate"] <= 110
    assert 0 < found["outcome_rate"] <= 110
    assert 0 < found["accepted_at_50_p50_ms"] <= found["accepted_at_50_p999_ms"]


async def test_raw_compares_the_gateway_with_the_least_a_server_can_do(ground: Ground) -> None:
    found = await raw(ground)
    assert all_positive(found, "rate", "keyed_rate", "raw_rate", "cpu_us", "raw_cpu_us")
    assert found["load_us"] > 0


async def test_push_reaches_every_socket(ground: Ground) -> None:
    found = await push(ground)
    assert all_positive(found, "event_s", "queue_s", "all_s", "p50_ms", "socket_kb")


async def test_overload_sheds_some_joins_and_decides_all_others(ground: Ground) -> None:
    found = await overload(ground)
    assert 0 < found["shed"] < 1
    assert all_positive(found, "drain_rate", "longest_wait_s", "recovery_s", "gateway_mb", "worker_mb", "rabbitmq_mb")
    assert await waiting(ground.settings, "meeting.join.queue") == 0


async def test_backlog_compares_a_full_inbox_with_an_empty_one(ground: Ground) -> None:
    found = await backlog(ground)
    assert all_positive(found, "rate", "empty_rate", "peak_mb", "empty_peak_mb")
    assert await waiting(ground.settings, "meeting.join.queue") == 0


async def test_loaded_inbox_has_as_many_rows_with_ids_that_sort_by_time(ground: Ground) -> None:
    await reset(ground.settings)
    await load(ground, 250)
    async with connected(ground.settings.db_url("meeting")) as database:
        rows = await database.rows("SELECT message_id, handled_at FROM inbox ORDER BY message_id")
    assert len(rows) == 250
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert {row[0][6] >> 4 for row in rows} == {8}


async def test_a_drain_that_seats_too_few_is_an_error(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    async def twice(settings: object, messages: object, traced: object) -> None:
        """All joins of one member: one gets a seat, the others are refused."""
        one = next(iter(messages))  # type: ignore[call-overload]
        await fill(ground.settings, [JoinMeeting(meeting_id=one.meeting_id, member_id=7) for _ in range(50)])

    monkeypatch.setattr(drained, "fill", twice)
    with pytest.raises(RuntimeError, match="50 joins for 50 seats"):
        await drained.joined(ground, 50, 1)

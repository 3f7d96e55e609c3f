"""`momo lag` on a terminal and for programs."""

from __future__ import annotations

import asyncio
import os
import sys
import time

import msgspec
import pytest
from rich.console import Console

from momo.lag.snapshot import OutboxLag, QueueLag, SagaLag, Snapshot, TimersLag
from momo.lag.terminal import human, shown
from momo.lag.told import Told
from momo.settings import Settings, environment
from tests.lag.conftest import JOIN, about, message, of, put


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (4.21, "4.2 s"),
        (59.9, "59 s"),
        (200, "3 min 20 s"),
        (18_060, "5 h 1 min"),
        (183_600, "2 d 3 h"),
    ],
)
def test_ages_are_told_in_two_units(seconds: float, text: str) -> None:
    assert human(seconds) == text


def queue(name: str, messages: int, age: float) -> QueueLag:
    return QueueLag(
        name=name,
        kind="work",
        messages=messages,
        oldest_age_s=age,
        consumers=2,
        published_rate=1.5,
        handled_rate=0.0,
    )


SNAPSHOT = Snapshot(
    at=0.0,
    queues=(queue("young", 9, 2.0), queue("empty", 0, 0.0), queue("old", 1, 90.0)),
    outboxes=(OutboxLag(service="meeting", entries=1, oldest_age_s=30.0),),
    timers=(TimersLag(service="payment", timers=5, overdue=0, overdue_s=0.0),),
    sagas=(SagaLag(saga="seat", state="held", count=3, oldest_age_s=600.0),),
    unknown=("database:user",),
)


def printed(*, everything: bool) -> list[str]:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(shown(SNAPSHOT, everything=everything))
    return captured.get().splitlines()


def test_what_waits_is_shown_the_oldest_first() -> None:
    lines = [line for line in printed(everything=False) if line.startswith("│")]
    assert [line.split("│")[2].strip() for line in lines] == ["held", "old", "meeting", "young", "payment"]
    assert "10 min 0 s" in lines[0]
    assert [cell.strip() for cell in lines[3].split("│")[3:8]] == ["9", "2.0 s", "2", "1.5", "0.0"]


def test_what_is_empty_is_shown_if_asked_for_and_what_is_not_known_always() -> None:
    for everything in (True, False):
        text = "\n".join(printed(everything=everything))
        assert ("empty" in text) is everything
        assert "not known now: database:user" in text


async def lag(settings: Settings, *words: str) -> tuple[int | None, str]:
    command = (sys.executable, "-m", "momo", "lag", *words)
    env = {**os.environ, **environment(settings), "COLUMNS": "120"}
    child = await asyncio.create_subprocess_exec(*command, env=env, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return child.returncode, out.decode()


async def test_momo_lag_prints_what_waits(settings: Settings, told: Told) -> None:
    await put(settings, [message(JOIN)])
    began = time.time() - 3_000
    await told.tell({(int(began), JOIN): 1})
    (status, table), (_, text) = await asyncio.gather(lag(settings), lag(settings, "--json"))
    assert status == 0
    assert JOIN in table
    assert "50 min" in table
    assert "meeting.create.queue" not in table
    snapshot = msgspec.json.decode(text, type=Snapshot)
    assert (of(snapshot, JOIN).messages, of(snapshot, JOIN).oldest_age_s) == (1, about(snapshot.at - began, 2))


async def test_momo_lag_watches_until_interrupted(settings: Settings) -> None:
    command = (sys.executable, "-m", "momo", "lag", "--watch", "--json")
    env = {**os.environ, **environment(settings)}
    child = await asyncio.create_subprocess_exec(*command, env=env, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    seen = [msgspec.json.decode(await child.stdout.readline(), type=Snapshot) for _ in range(2)]
    assert seen[1].at - seen[0].at >= 0.9
    child.send_signal(2)
    await child.communicate()
    assert child.returncode == 0

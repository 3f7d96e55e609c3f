"""Logs: one line a record, whoever logs; JSON for programs, pretty for people; nothing secret, and nobody waits."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
import threading
import time
from typing import Any

import pytest

from momo import settings
from momo.telemetry import metrics, stream
from momo.telemetry.stream import Stream
from tests.telemetry.talker import SECRET


async def talked(stderr: int = asyncio.subprocess.PIPE, **variables: str) -> bytes:
    """What the talker writes."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "default", "-m", "tests.telemetry.talker", stderr=stderr, env={**os.environ, **variables}
    )
    _, written = await child.communicate()
    assert child.returncode == 0, written
    return written


async def test_every_record_is_one_line_of_json_where_no_terminal_reads() -> None:
    written = await talked()
    records: list[dict[str, Any]] = [json.loads(line) for line in written.splitlines()]
    assert all(list(record)[:4] == ["timestamp", "level", "logger", "event"] for record in records)
    assert [(record["level"], record["logger"]) for record in records] == [
        ("info", "library"),
        ("warning", "ours"),
        ("error", "library"),
        ("warning", "py.warnings"),
        ("info", "momo.messages"),
        ("info", "momo.messages"),
    ]
    assert records[0]["event"] == "said this by a library"
    assert (records[1]["queue"], records[1]["seconds"]) == ("q", 3)
    assert "ValueError: 17 characters are too few" in records[2]["exception"]
    assert (records[4]["messageId"], records[4]["waitingMs"], records[4]["processingMs"]) == ("m", 3, 1.5)
    assert SECRET.encode() not in written


async def test_a_terminal_gets_lines_for_people() -> None:
    ours, theirs = pty.openpty()
    try:
        await talked(theirs)
        written = os.read(ours, 65_536)
    finally:
        os.close(ours)
        os.close(theirs)
    assert b'{"' not in written
    assert b"said this by a library" in written
    assert b"meeting.join.queue" in written
    assert b"ValueError: 17 characters are too few" in written
    assert SECRET.encode() not in written


async def test_the_environment_says_how_much_and_in_which_form() -> None:
    quiet = await talked(MOMO_LOG_LEVEL="WARNING")
    assert [json.loads(line)["level"] for line in quiet.splitlines()][:3] == ["warning", "error", "warning"]
    assert b"too quiet" in await talked(MOMO_LOG_LEVEL="DEBUG")
    assert b'{"' not in await talked(MOMO_LOG_FORMAT="pretty")
    for malformed in ({"MOMO_LOG_LEVEL": "LOUD"}, {"MOMO_LOG_FORMAT": "xml"}):
        with pytest.raises(settings.SettingsError):
            settings.load(malformed)


def test_a_reader_that_hangs_holds_nobody_and_what_it_can_not_take_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_BYTES", 1_000_000)
    reading, writing = os.pipe()
    log, dropped = Stream(writing), _dropped()
    began = time.perf_counter()
    for number in range(40):
        log.write(f"{number:099}\n".encode() * 1_000)
    assert time.perf_counter() - began < 1
    lost = _dropped() - dropped
    assert 2_000_000 < lost < 4_000_000
    written = bytearray()

    def read() -> None:
        while block := os.read(reading, 65_536):
            written.extend(block)

    reader = threading.Thread(target=read)
    reader.start()
    log.flush(10)
    os.close(writing)
    reader.join()
    os.close(reading)
    assert len(written) == 4_000_000 - lost
    numbers = [int(line) for line in written.splitlines()]
    assert numbers == sorted(numbers)


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    log = Stream(writing)
    log.write(b"nobody hears\n")
    log.flush(5)
    os.close(writing)
    assert log._bytes_done == log._bytes_given


def _dropped() -> float:
    return next(s.value for f in metrics.LOG_DROPPED.collect() for s in f.samples if s.name.endswith("_total"))

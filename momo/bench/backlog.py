"""`backlog`: the drain with very many messages waiting and a very large inbox, against none of either."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from momo.bench.drained import measured
from momo.bench.ground import Figures, Ground, reset
from momo.bench.joins import fill, joins
from momo.bench.meetings import open_meetings
from momo.store.connection import connected
from momo.store.literal import literal

MEETINGS = 200
CHUNK = 100_000
AGE = 86_400
"""Seconds that the oldest row is old."""
OUTCOME = '{"state":"done","result":{"status":"seated"}}'

_DIGITS = "(SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6"
_DIGITS += " UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"


async def backlog(ground: Ground) -> Figures:
    """`rate` and `peak_mb` of the first `Size.first` messages, as `empty_*` where nothing else waits."""
    size = ground.size
    empty = await _drained(ground, size.first, 0)
    full = await _drained(ground, size.waiting, size.inbox)
    await reset(ground.settings)
    return {**full, **{f"empty_{name}": value for name, value in empty.items()}}


async def _drained(ground: Ground, waiting: int, rows: int) -> Figures:
    await reset(ground.settings)
    async with connected(ground.settings.db_url("meeting")) as database:
        first = await open_meetings(database, MEETINGS)
    began = time.perf_counter()
    await load(ground, rows)
    loaded = time.perf_counter()
    await fill(ground.settings, joins(first, MEETINGS, waiting))
    filled = time.perf_counter()
    ground.say(f"  {rows} rows in {loaded - began:.0f} s, {waiting} messages in {filled - loaded:.0f} s")
    return (await measured(ground, ground.size.first)).figures()


async def load(ground: Ground, rows: int) -> None:
    """Writes `rows` inbox rows of the last day; their ids are as `fresh_id` makes them: a time, then random bits."""
    oldest = datetime.now(UTC).timestamp() - AGE
    span = AGE * 1_000 / max(rows, 1)
    numbers = "+".join(f"{10**place}*d{place}.n" for place in range(5))
    tables = ",".join(f"{_DIGITS} d{place}" for place in range(5))
    async with connected(ground.settings.db_url("meeting")) as database:
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            milliseconds = f"FLOOR({oldest * 1_000 + start * span:.0f}+i*{span:.6f})"
            await database.change(
                "INSERT INTO inbox"
                " (message_id,fingerprint,sender,correlation_id,causation_id,queue,outcome,handled_at)"
                f" SELECT UNHEX(CONCAT(LPAD(HEX({milliseconds}),12,'0'),'8',SUBSTR(h,1,3),'8',SUBSTR(h,4,15))),NULL,"
                f"'member:1',h,'','meeting.join.queue',{literal(OUTCOME)},"
                f"FROM_UNIXTIME({milliseconds}/1000)"
                f" FROM (SELECT {numbers} i, MD5(RAND()) h FROM {tables}) numbered WHERE i < {count}"
                " ORDER BY 1"
            )

from __future__ import annotations
import time
from tests.engine.counter import add, counters, calls, call
from tests.engine.engine import Engine, working
from tests.engine.waiting import eventually
import pytest

@pytest.mark.parametrize("n", range(4))
async def test_adds(engine: Engine, n: int) -> None:
    t = time.time()
    async with working(engine.settings, counters(), calls()):
        print("up", time.time() - t)
        await engine.send(*(add(1) for _ in range(300)), call(1))
        await eventually(lambda: engine.count("inbox"))
        async def done() -> bool:
            return await engine.total(1) == 301
        await eventually(done)
        print("done", time.time() - t)
    print("down", time.time() - t)

"""The circuit breaker on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from prometheus_client import CollectorRegistry, Gauge

from momo.breaker import STATES, Breaker, BreakerOpen
from momo.telemetry.metrics import watch_breaker


class Down(Exception):
    """The other side is in trouble."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("toss", failures=3, reset_after=5.0, counted=(Down,), clock=clock)


async def call(breaker: Breaker, error: BaseException | None = None) -> None:
    async with breaker:
        if error is not None:
            raise error


async def trip(breaker: Breaker) -> None:
    for _ in range(2):
        with pytest.raises(Down):
            await call(breaker, Down())
    with pytest.raises(BreakerOpen):
        await call(breaker, Down())


async def test_failures_in_a_row_open_the_circuit(breaker: Breaker, clock: Clock) -> None:
    await trip(breaker)
    clock.now += 2
    assert (breaker.state, breaker.allow()) == ("open", False)
    with pytest.raises(BreakerOpen) as error:
        await call(breaker)
    assert error.value.retry_after == breaker.retry_after == 3.0


async def test_a_success_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    for error in (Down(), Down(), None, Down(), Down()):
        with contextlib.suppress(Down):
            await call(breaker, error)
    assert breaker.state == "closed"


async def test_an_error_that_is_not_counted_is_an_answer(breaker: Breaker) -> None:
    for _ in range(10):
        with pytest.raises(KeyError):
            await call(breaker, KeyError())
    assert breaker.state == "closed"
    assert breaker.allow()


async def test_a_probe_that_succeeds_closes_the_circuit(breaker: Breaker, clock: Clock) -> None:
    await trip(breaker)
    clock.now += 5
    assert (breaker.state, breaker.allow(), breaker.retry_after) == ("half-open", True, 0.0)
    await call(breaker)
    assert breaker.state == "closed"


async def test_a_probe_that_fails_opens_it_for_the_whole_time_again(breaker: Breaker, clock: Clock) -> None:
    await trip(breaker)
    clock.now += 5
    with pytest.raises(BreakerOpen):
        await call(breaker, Down())
    clock.now += 4.9
    assert breaker.state == "open"


async def test_each_failed_probe_doubles_the_pause_up_to_the_longest(clock: Clock) -> None:
    breaker = Breaker("db", failures=1, reset_after=1.0, longest=3.0, clock=clock)
    pauses = []
    for error in (Down(), Down(), Down(), Down(), None, Down()):
        with contextlib.suppress(BreakerOpen):
            await call(breaker, error)
        pauses.append(breaker.retry_after)
        clock.now += breaker.retry_after
    assert pauses == [1.0, 2.0, 3.0, 3.0, 0.0, 1.0]


async def test_a_failure_that_leaves_the_circuit_open_is_told_from_a_refusal_to_call(breaker: Breaker) -> None:
    for _ in range(2):
        with pytest.raises(Down):
            await call(breaker, Down())
    cause = Down()
    with pytest.raises(BreakerOpen) as tripped:
        await call(breaker, cause)
    with pytest.raises(BreakerOpen) as refused:
        await call(breaker)
    assert (tripped.value.called, tripped.value.__cause__) == (True, cause)
    assert (refused.value.called, refused.value.__cause__) == (False, None)


async def test_who_waits_hears_at_once_that_the_probe_succeeded() -> None:
    breaker = Breaker("toss", failures=1, reset_after=0.05)
    with contextlib.suppress(BreakerOpen):
        await call(breaker, Down())
    await asyncio.wait_for(breaker.allowed(), 1)
    inside, leave = asyncio.Event(), asyncio.Event()

    async def probe() -> None:
        async with breaker:
            inside.set()
            await leave.wait()

    probing = asyncio.create_task(probe())
    await inside.wait()
    waiting = asyncio.create_task(breaker.allowed())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    leave.set()
    await asyncio.wait_for(waiting, 0.05)
    await probing


async def test_its_state_is_a_metric_with_one_line_a_state(breaker: Breaker, clock: Clock) -> None:
    registry = CollectorRegistry()
    watch_breaker(breaker, Gauge("momo_breaker_state", "", ["breaker", "state"], registry=registry))

    def states() -> dict[str, float | None]:
        lines = {state: {"breaker": "toss", "state": state} for state in STATES}
        return {state: registry.get_sample_value("momo_breaker_state", line) for state, line in lines.items()}

    assert states() == {"closed": 1, "open": 0, "half-open": 0}
    await trip(breaker)
    assert states() == {"closed": 0, "open": 1, "half-open": 0}
    clock.now += 5
    assert states() == {"closed": 0, "open": 0, "half-open": 1}


async def test_only_one_probe_goes_out_at_a_time(breaker: Breaker, clock: Clock) -> None:
    await trip(breaker)
    clock.now += 5
    inside, leave = asyncio.Event(), asyncio.Event()

    async def probe() -> None:
        async with breaker:
            inside.set()
            await leave.wait()

    probing = asyncio.create_task(probe())
    await inside.wait()
    assert not breaker.allow()
    with pytest.raises(BreakerOpen) as error:
        await call(breaker)
    assert error.value.retry_after == 5.0
    leave.set()
    await probing
    assert breaker.state == "closed"


async def test_a_cancelled_probe_says_nothing_and_frees_the_place(breaker: Breaker, clock: Clock) -> None:
    await trip(breaker)
    clock.now += 5
    with pytest.raises(asyncio.CancelledError):
        await call(breaker, asyncio.CancelledError())
    assert (breaker.state, breaker.allow()) == ("half-open", True)


@pytest.mark.parametrize("outcome", [None, Down()])
async def test_a_call_from_before_the_trip_changes_nothing_when_it_ends(
    breaker: Breaker, clock: Clock, outcome: Down | None
) -> None:
    inside, leave = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with breaker:
            inside.set()
            await leave.wait()
            if outcome is not None:
                raise outcome

    late = asyncio.create_task(slow())
    await inside.wait()
    await trip(breaker)
    clock.now += 5
    leave.set()
    await asyncio.gather(late, return_exceptions=True)
    assert breaker.state == "half-open"

"""Waiting for what another task, process or server will have done soon."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any


async def eventually(predicate: Callable[[], Any | Awaitable[Any]], timeout: float = 10.0) -> None:  # noqa: ASYNC109
    """Returns as soon as `predicate` is true; fails with its last value after `timeout` seconds."""
    value: Any = None
    try:
        async with asyncio.timeout(timeout):
            while True:
                value = predicate()
                if inspect.isawaitable(value):
                    value = await value
                if value:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {timeout} s: {inspect.getsource(predicate).strip()} (is {value!r})") from None

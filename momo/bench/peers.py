"""`peers`: the same durable work by other frameworks and by hand; their code is part of the tests of a checkout."""

from __future__ import annotations

import importlib
from typing import Any

from momo.bench.ground import Figures, Ground, reset

CODE = "tests.bench.peers.run"
HANDWRITTEN = "handwritten"


def present() -> None:
    """Raises RuntimeError outside of a checkout."""
    try:
        importlib.import_module(CODE)
    except ModuleNotFoundError as error:
        raise RuntimeError(f"the peers' code is in a checkout of MOMO, and only there: {error}") from error


async def peers(ground: Ground) -> Figures:
    """Messages/s by name, each at the best of its settings. Raises RuntimeError where one did not do its work."""
    present()
    await reset(ground.settings)
    code: Any = importlib.import_module(CODE)
    try:
        rates = await code.peers(ground.settings, messages=ground.size.peers, repeat=ground.repeat, say=ground.say)
    except Exception as error:
        raise RuntimeError(f"the peers can't be compared: {error}") from error
    return {name: float(rate) for name, rate in rates.items()}

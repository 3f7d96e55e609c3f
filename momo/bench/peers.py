"""`peers`: the same durable work by other frameworks and by hand; their code is part of the tests of a checkout."""

from __future__ import annotations

from typing import Any

from momo.bench.ground import Figures, Ground, reset

HANDWRITTEN = "handwritten"


async def peers(ground: Ground) -> Figures:
    """Messages/s by name, each at the best of its settings. Raises RuntimeError outside of a checkout."""
    try:
        from tests.bench.peers.run import peers as run  # noqa: PLC0415 - not there where MOMO is installed
    except ModuleNotFoundError as error:
        raise RuntimeError(f"the peers are found in a checkout of MOMO, and only there: {error}") from error
    await reset(ground.settings)
    compare: Any = run
    rates = await compare(ground.settings, messages=ground.size.peers, repeat=1, say=ground.say)
    return {name: float(rate) for name, rate in rates.items()}

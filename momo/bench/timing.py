"""Times as they are reported: percentiles in ms, taken without the collector's pauses of whoever measures."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def percentiles(seconds: Sequence[float], prefix: str = "", *, wide: bool = False) -> dict[str, float]:
    """p50 and p99 in ms, `wide` with p99.9; all 0 where nothing was timed."""
    ordered = sorted(seconds)
    points = {"p50_ms": 0.5, "p99_ms": 0.99} | ({"p999_ms": 0.999} if wide else {})
    return {f"{prefix}{name}": _at(ordered, point) for name, point in points.items()}


def _at(ordered: Sequence[float], point: float) -> float:
    if not ordered:
        return 0.0
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * point))] * 1000, 2)


@contextmanager
def quiet() -> Iterator[None]:
    """No garbage collection in this process: its pauses would be measured as somebody else's."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()

"""Ratios between cases: what can be compared from one machine to another."""

from __future__ import annotations

from collections.abc import Mapping

from momo.bench.ground import Figures
from momo.bench.peers import HANDWRITTEN

TARGETS: Figures = {
    "drain_vs_best_peer": 5.0,
    "drain_vs_limit": 0.65,
    "two_workers": 1.6,
    "watched_vs_not": 0.95,
    "traced_vs_watched": 0.95,
    "hot_vs_spread": 0.8,
    "http_vs_raw": 0.6,
    "backlog": 0.9,
}
"""Every ratio, and what it should be at least."""


def ratios(found: Mapping[str, Figures]) -> Figures:
    """Those of one round's cases; a ratio is left out where one of its cases was not run."""
    peers = found.get("peers", {})
    others = [rate for name, rate in peers.items() if name != HANDWRITTEN]
    drain, backlog, raw = (found.get(case, {}) for case in ("drain", "backlog", "http.raw"))
    telemetry = found.get("telemetry", {})
    pairs = {
        "drain_vs_best_peer": (drain.get("rate"), max(others, default=None)),
        "drain_vs_limit": (drain.get("rate"), peers.get(HANDWRITTEN)),
        "two_workers": (drain.get("two_rate"), drain.get("rate")),
        "watched_vs_not": (telemetry.get("on_rate"), telemetry.get("off_rate")),
        "traced_vs_watched": (telemetry.get("traced_rate"), telemetry.get("on_rate")),
        "hot_vs_spread": (found.get("hot", {}).get("rate"), found.get("spread", {}).get("rate")),
        "http_vs_raw": (raw.get("rate"), raw.get("raw_rate")),
        "backlog": (backlog.get("rate"), backlog.get("empty_rate")),
    }
    return {name: round(one / other, 3) for name, (one, other) in pairs.items() if one and other}

"""A stand-in for Toss Payments: its API over real HTTP, its own ledger, and switches for what can go wrong."""

from __future__ import annotations

from momo.toss.sandbox.server import run, serve

__all__ = ["run", "serve"]

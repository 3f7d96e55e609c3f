"""A day of MOMO, played by members over HTTP and WebSockets, and audited to the won."""

from __future__ import annotations

from momo.demo.report import Report, print_summary
from momo.demo.run import DemoError, demo

__all__ = ["DemoError", "Report", "demo", "print_summary"]

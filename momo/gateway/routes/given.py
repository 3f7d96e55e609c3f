"""What routes are given, under short names."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from momo.gateway.resources import Resources
from momo.gateway.tokens import Member

Incoming = Request[Any, Any, Any]
Who = NamedDependency[Member]
"""The member who asks."""
Using = NamedDependency[Resources]
"""What this process holds open."""

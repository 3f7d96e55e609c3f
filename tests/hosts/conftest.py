"""Tests on hosts are skipped where there can be none; those of addresses need no host."""

from __future__ import annotations

import pytest

from momo.hosts.network import unable

needs_hosts = pytest.mark.skipif(bool(unable()), reason=unable() or "hosts can be had")

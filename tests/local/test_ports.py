"""Ports are those asked for, those of last time, or free ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from momo.local.ports import Ports, free_port, is_free
from momo.local.server import LocalError


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_the_next_start_gets_the_same_port(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("gateway")
    assert Ports(tmp_path).take("gateway") == first


def test_a_remembered_port_that_is_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    with listening() as port:
        (tmp_path / "ports.json").write_text(f'{{"gateway": {port}}}')
        chosen = Ports(tmp_path).take("gateway")
        assert chosen != port
        assert is_free(chosen)


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    with listening() as port, pytest.raises(LocalError, match=f"port {port} for gateway is taken: stop"):
        Ports(tmp_path, {"gateway": port}).take("gateway")


def test_a_preferred_port_yields_to_whoever_has_it(tmp_path: Path) -> None:
    free = free_port()
    assert Ports(tmp_path).take("gateway", preferred=free) == free
    with listening() as port:
        assert Ports(tmp_path).take("toss", preferred=port) != port


def test_a_broken_memory_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    assert is_free(Ports(tmp_path).take("gateway"))

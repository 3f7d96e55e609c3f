"""Which loopback ports a private MOMO listens on: asked for, remembered from last time, or free."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

import msgspec

from momo.local.server import LocalError


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Ports:
    """The ports of one folder by purpose, kept in its `ports.json` so that the next start finds the same."""

    def __init__(self, folder: Path, wanted: Mapping[str, int] | None = None) -> None:
        self._file = folder / "ports.json"
        self._wanted = dict(wanted or {})
        self._taken: dict[str, int] = {}
        try:
            self._remembered = msgspec.json.decode(self._file.read_bytes(), type=dict[str, int])
        except (FileNotFoundError, msgspec.DecodeError):
            self._remembered = {}

    def take(self, purpose: str, preferred: int | None = None) -> int:
        """The port for `purpose`. Raises LocalError when one was asked for and somebody else listens on it."""
        if (wanted := self._wanted.get(purpose)) is not None:
            if not is_free(wanted):
                raise LocalError(f"port {wanted} for {purpose} is taken: stop what listens there or choose another")
            return self._keep(purpose, wanted)
        for port in (self._remembered.get(purpose), preferred):
            if port is not None and port not in self._taken.values() and is_free(port):
                return self._keep(purpose, port)
        chosen = free_port()
        while chosen in self._taken.values():
            chosen = free_port()
        return self._keep(purpose, chosen)

    def _keep(self, purpose: str, port: int) -> int:
        self._taken[purpose] = port
        self._remembered[purpose] = port
        self._file.write_bytes(msgspec.json.format(msgspec.json.encode(self._remembered)))
        return port

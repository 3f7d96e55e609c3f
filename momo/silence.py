"""Silence: when a connection is given up whose other end has gone without a word, as a host does that is cut off."""

from __future__ import annotations

import socket
from typing import Any

SILENCE_SECONDS = 10
"""The kernel itself would go on for a quarter of an hour, and for ever where there is nothing to send."""
_PROBES = ((getattr(socket, "TCP_KEEPIDLE", None), 4), (getattr(socket, "TCP_KEEPINTVL", None), 2))
_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)


def give_up_on_silence(transport: Any) -> None:
    """Ends `transport`, an open one, with an error once its peer's host has confirmed nothing for SILENCE_SECONDS, as
    far as the system can."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in _PROBES:
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, seconds)
    if _USER_TIMEOUT is not None:
        connection.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, SILENCE_SECONDS * 1000)

"""The broker's address as a connection uses it: with a name to be seen by, and a heartbeat."""

from __future__ import annotations

from yarl import URL

HEARTBEAT_SECONDS = 15
"""After two of these without a sign of life either side gives the connection up."""


def connection_url(url: str, name: str) -> str:
    """`url` for a connection called `name` in the broker's management."""
    return str(URL(url).update_query(name=name, heartbeat=str(HEARTBEAT_SECONDS)))

"""The broker's address as a connection uses it: with a name to be seen by, and a heartbeat."""

from __future__ import annotations

from yarl import URL

HEARTBEAT_SECONDS = 15
"""After two of these without a sign of life either side gives the connection up. A URL may say otherwise, by its
`?heartbeat=`."""


def connection_url(url: str, name: str) -> str:
    """`url` for a connection called `name` in the broker's management."""
    address = URL(url)
    heartbeat = address.query.get("heartbeat", str(HEARTBEAT_SECONDS))
    return str(address.update_query(name=name, heartbeat=heartbeat))

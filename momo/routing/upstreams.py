"""Where the gateways of each service listen, as a balancer is told."""

from __future__ import annotations

import re
from collections.abc import Iterable

from momo.settings import SERVICES

Upstreams = dict[str, tuple[str, ...]]
"""The addresses (`host:port`) of each service's gateways."""

PORT = 8080
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


def upstreams(given: Iterable[str] = ()) -> Upstreams:
    """`given` are texts such as `meeting=10.0.0.1:8080,10.0.0.2:8080`; a service that none names is at
    `<service>-service:8080`. Raises ValueError saying which text is wrong."""
    found: Upstreams = {}
    for text in given:
        service, _, addresses = text.partition("=")
        if service not in SERVICES:
            raise ValueError(f"{text!r} names no service; there are: {', '.join(SERVICES)}")
        found[service] = (*found.get(service, ()), *(checked(address) for address in addresses.split(",")))
    return {service: found.get(service, (f"{service}-service:{PORT}",)) for service in SERVICES}


def checked(address: str) -> str:
    """`address`, where it is a host and a port. Raises ValueError."""
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise ValueError(f"{address!r} is no address: give host:port")
    return address

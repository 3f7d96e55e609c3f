"""Which gateways answer which addresses: the one table that every balancer's configuration is printed from."""

from __future__ import annotations

import msgspec

from momo.settings import SERVICES


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Requests for `path`, and for whatever lies below it, go to `target`: the gateways of `services`, any of them."""

    path: str
    name: str
    services: tuple[str, ...]

    @property
    def target(self) -> str:
        """What balancers call these gateways: `momo-meeting`."""
        return f"momo-{self.name}"

    def matches(self, path: str) -> bool:
        return path == self.path or path.startswith(f"{self.path}/")


RULES: tuple[Rule, ...] = (
    Rule(path="/api/v2/users", name="user", services=("user",)),
    Rule(path="/api/v2/categories", name="category", services=("category",)),
    Rule(path="/api/v2/meetings", name="meeting", services=("meeting",)),
    Rule(path="/api/v2/payments", name="payment", services=("payment",)),
    Rule(path="/api/v2/notifications", name="notification", services=("notification",)),
    # a command's id names the inbox that knows its outcome, and every gateway reads all of them
    Rule(path="/api/v2/commands", name="commands", services=SERVICES),
)

KEPT: dict[str, str] = {
    "/internal": "calls between MOMO's own processes",
    "/health": "each process for itself",
    "/metrics": "each process for itself",
    "/schema": "what the one gateway answers; of all services where it serves all",
    "/console": "for operators, from `momo serve console`",
}
"""What gateways answer and no balancer passes on, and why."""

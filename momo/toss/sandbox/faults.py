"""The sandbox's switches: what goes wrong, for all orders or for one."""

from __future__ import annotations

from typing import Annotated

import msgspec

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=600_000)]


class Fault(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What goes wrong with a request. The default is nothing."""

    delay_ms: Milliseconds = 0
    """The answer waits; whatever was asked has been done by then."""
    fail_code: str | None = None
    """Confirm and cancel are refused with this code; a code that is final aborts a payment being confirmed."""
    fail_count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """How often `fail_code` strikes; without it, until the fault is taken back."""
    hang_up: bool = False
    """Confirm and cancel are done, but the connection closes without an answer. A replayed answer does arrive."""
    webhook_copies: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    webhook_shuffle: bool = False
    """Webhooks gather for `webhook_delay_ms` (100 if 0) and go out newest first, one after the other."""
    webhook_delay_ms: Milliseconds = 0


class Faults:
    """One fault for all orders, and one for each order that has its own; the order's own replaces the general one."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._failures_left: dict[str, int] = {}

    def put(self, fault: Fault, order_id: str = "") -> None:
        """Sets the fault of `order_id`, or of all orders without one of their own."""
        self._faults[order_id] = fault
        self._failures_left.pop(order_id, None)
        if fault.fail_count is not None:
            self._failures_left[order_id] = fault.fail_count

    def of(self, order_id: str) -> Fault:
        return self._faults.get(order_id) or self._faults.get("") or Fault()

    def strike(self, order_id: str) -> str | None:
        """The error code that this request for `order_id` must fail with, counted; None when it may succeed."""
        code = self.of(order_id).fail_code
        owner = order_id if order_id in self._faults else ""
        left = self._failures_left.get(owner)
        if code is None or left == 0:
            return None
        if left is not None:
            self._failures_left[owner] = left - 1
        return code

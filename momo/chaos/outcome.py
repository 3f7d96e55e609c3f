"""How a command ended, in one form: as a gateway answers it, as it is asked for, and as the inbox keeps it."""

from __future__ import annotations

from typing import Any

import msgspec

from contracts.outcome import Outcome
from momo.gateway.problems import TYPES

_sorted = msgspec.json.Encoder(order="sorted").encode
_inbox = msgspec.json.Decoder(Outcome).decode
FAILED = "command-failed"


class Known(msgspec.Struct, frozen=True):
    """`said` is the result as sorted JSON (empty: none), or the type of the problem."""

    state: str
    status: int
    said: str

    @property
    def done(self) -> bool:
        return self.state == "done"

    @property
    def result(self) -> Any:
        """The result of one that is done."""
        return msgspec.json.decode(self.said) if self.done and self.said else None

    def __str__(self) -> str:
        return f"{self.state} {self.status} {self.said}".strip()


def answered(status: int, body: bytes) -> Known:
    """The outcome as the answer to the request itself."""
    if status < 300:
        return Known("done", status, _text(msgspec.json.decode(body)) if body else "")
    return _problem(msgspec.json.decode(body), status)


def asked(body: bytes) -> Known | None:
    """The outcome as `GET /commands/{id}` tells it; None while it is pending."""
    found = msgspec.json.decode(body)
    if found["state"] == "pending":
        return None
    if found["state"] == "done":
        return Known("done", found["status"], _text(found.get("result")))
    return _problem(found["problem"], found["status"])


def kept(outcome: bytes) -> Known:
    """The outcome as an inbox row has it."""
    found = _inbox(outcome)
    if found.state == "failed":
        return Known("failed", 502, FAILED)
    if found.problem is not None:
        return Known("refused", found.problem.status, found.problem.type)
    return Known("done", found.status, _text(msgspec.json.decode(found.result)))


def _problem(problem: dict[str, Any], status: int) -> Known:
    kind = str(problem["type"]).removeprefix(TYPES)
    return Known("failed" if kind == FAILED else "refused", status, kind)


def _text(result: Any) -> str:
    return "" if result is None else _sorted(result).decode()

"""How a command ended, as the inbox keeps it and the gateway answers it."""

from __future__ import annotations

from typing import Literal

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details. `type` is stable and is the last part of the URI the gateway answers with."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldError, ...] = ()


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a request that is wrong: a JSON path such as `$.capacity`, and what would be right."""

    field: str
    detail: str


NO_RESULT = msgspec.Raw(b"null")


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`done` carries the HTTP status and a result, `refused` and `failed` a problem.

    `failed` means that the message lies in a dead-letter queue; a replay may still turn it into another outcome.
    """

    state: Literal["done", "refused", "failed"]
    status: int = 200
    result: msgspec.Raw = NO_RESULT
    problem: Problem | None = None

"""What a balancer answers by itself, in the words of the gateways."""

from __future__ import annotations

import msgspec

from contracts.outcome import Problem
from momo.gateway.heads import HEAD_TOO_LARGE, MALFORMED
from momo.gateway.problems import NOWHERE, TOO_LARGE, on_the_wire, unavailable


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A problem, instead of nginx' own pages for the statuses `instead_of`."""

    problem: Problem
    instead_of: tuple[int, ...]
    headers: dict[str, str] = {}

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def address(self) -> str:
        """The problem's type: nobody else answers there."""
        return str(on_the_wire(self.problem)["type"])

    @property
    def body(self) -> str:
        return msgspec.json.encode(on_the_wire(self.problem)).decode()


_AWAY = unavailable("The service")

ANSWERS: tuple[Answer, ...] = (
    # nobody listens, nobody answers in time, or nginx itself has no connection left
    Answer(problem=_AWAY.problem, headers=_AWAY.headers, instead_of=(500, 502, 504)),
    Answer(problem=NOWHERE, instead_of=(404,)),
    Answer(problem=TOO_LARGE, instead_of=(413,)),
    Answer(problem=HEAD_TOO_LARGE, instead_of=(414, 494)),
    Answer(problem=MALFORMED, instead_of=(400,)),
)

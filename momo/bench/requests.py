"""Join requests of members with their tokens, ready to be written to a socket."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from momo.bench.lines import post
from momo.gateway.tokens import Member, Tokens
from momo.settings import Settings

MEETINGS = 100
ACTS = 10
"""So many meetings each member joins, one after the other: an access token serves a session, not one request."""
CAPACITY = 1_000_000


class Joiners:
    """Requests of ever new members, `ACTS` of each, for `MEETINGS` meetings, the first of which is `first`."""

    def __init__(self, settings: Settings, first: int) -> None:
        self._tokens = Tokens(settings.token_secret)
        self._numbers = itertools.count()
        self._first = first
        self._token = ""

    def ask(self, count: int, *, wait: int = 0, keyed: bool = False) -> list[bytes]:
        """`count` requests; `wait` in seconds for the outcome, `keyed` with an Idempotency-Key each."""
        return list(itertools.islice(self._requests(wait, keyed=keyed), count))

    def _requests(self, wait: int, *, keyed: bool) -> Iterator[bytes]:
        for number in self._numbers:
            if number % ACTS == 0:
                member = Member(member_id=1_000 + number, nickname=f"m{number}", role="member")
                self._token = self._tokens.sign(member)
            headers = {"Authorization": f"Bearer {self._token}"}
            if wait:
                headers["Prefer"] = f"wait={wait}"
            if keyed:
                headers["Idempotency-Key"] = f"bench-{number}"
            yield post(f"/api/v2/meetings/{self._first + number % MEETINGS}/join", headers)

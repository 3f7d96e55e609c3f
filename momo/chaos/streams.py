"""What must be true of one member's acts on one thing, each sent after the outcome of the one before. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from momo.chaos.outcome import Known

State = Literal["in", "out", "unknown"]
IN_ACTS = ("join", "follow")
"""Acts that bring a member in; `leave` and `unfollow` bring them out."""
ALREADY_IN = {"join": "illegal-transition", "follow": "already-following"}
ALREADY_OUT = {"leave": ("illegal-transition", "no-place"), "unfollow": ("not-following",)}
OVER = ("meeting-cancelled",)
"""Refusals that say nothing of the member's own state."""


class Stream(msgspec.Struct, kw_only=True):
    """One member's acts on one meeting, or on one other member, as far as their outcomes are known.

    `loose`: a place that is not paid for may end by itself, and money that comes late may bring it back.
    """

    loose: bool = False
    state: State = "out"
    acts: int = 0

    def follows(self, act: str, known: Known) -> str:
        """Takes in how the next act has ended; what that says against the order of the acts before, or nothing."""
        before, self.acts = self.state, self.acts + 1
        if known.said in OVER and not known.done:
            return ""
        enters = act in IN_ACTS
        if known.done:
            self.state = "in" if enters else "out"
            expected = before in ("unknown", "out" if enters else "in")
            # what may have ended by itself may be entered again
            ended = self.loose and enters
            return "" if expected or ended else f"{act} number {self.acts} was done though the member was {before}"
        refusals = (ALREADY_IN[act],) if enters else ALREADY_OUT[act]
        if known.said not in refusals:
            return f"{act} number {self.acts} ended with {known}, which none of the acts before explains"
        if before in ("unknown", "in" if enters else "out"):
            return ""
        if self.loose and before == "in":
            self.state = "unknown"
            return ""
        return f"{act} number {self.acts} was refused ({known.said}) though the member was {before}"

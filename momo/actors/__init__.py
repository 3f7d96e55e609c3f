"""What handlers are written with; the machine behind it is in this package's modules."""

from momo.actors.decision import Accepted, Context, Decision, NotYet, Refused, Timer, accept, refuse
from momo.actors.effects import World
from momo.actors.record import Record
from momo.actors.state import Key, Keys, Rows, State

__all__ = [
    "Accepted",
    "Context",
    "Decision",
    "Key",
    "Keys",
    "NotYet",
    "Record",
    "Refused",
    "Rows",
    "State",
    "Timer",
    "World",
    "accept",
    "refuse",
]

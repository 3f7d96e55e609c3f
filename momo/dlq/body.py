"""A letter's body in an operator's hands: shown without its secrets, and checked when it comes back edited."""

from __future__ import annotations

from typing import Any

import msgspec

from momo.broker.delivery import Undecodable, read
from momo.dlq.errors import Unfit
from momo.dlq.letter import Letter
from momo.dlq.secrets import BLANK, redacted, redacted_text, restored


def body_of(letter: Letter) -> Any:
    """The letter's body without its secrets: JSON where it is, else text."""
    body = letter.envelope.body
    try:
        return redacted(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return redacted_text(body.decode(errors="replace"))


def checked(letter: Letter, body: bytes) -> bytes:
    """`body` for `letter`, with what is blanked in it as it was. Raises Unfit where the queue's contract does not
    take it."""
    try:
        if BLANK.encode() in body:
            body = msgspec.json.encode(restored(msgspec.json.decode(body), _original(letter)))
        read(letter.origin, body, letter.envelope.version)
    except Undecodable as error:
        raise Unfit(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unfit(f"the body is not JSON in UTF-8: {error}") from error
    except LookupError as error:
        raise Unfit(str(error)) from error
    return body


def changed(letter: Letter, body: bytes) -> str:
    """The names of the fields in which `body` differs from the letter's."""
    old, new = _original(letter), msgspec.json.decode(body)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return "all of it"
    names = sorted(str(name) for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return ", ".join(names) or "nothing"


def _original(letter: Letter) -> Any:
    try:
        return msgspec.json.decode(letter.envelope.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

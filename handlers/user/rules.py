"""What the user service's handlers agree on: spellings, limits and the placeholders of withdrawn members."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec.structs import replace

from contracts.outcome import FieldError
from contracts.user import RegisterUser
from handlers.user.records import User

RESERVED_NICKNAME = "withdrawn-"
RESERVED_DOMAIN = "@withdrawn.invalid"
CHUNK = 50
"""How many follows of a withdrawn member end with one message, in each direction."""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


def errors_of(command: RegisterUser) -> tuple[FieldError, ...]:
    """What is wrong with a registration, field by field."""
    errors = []
    if len(command.email) > 190 or not _EMAIL.fullmatch(command.email) or command.email.endswith(RESERVED_DOMAIN):
        errors.append(FieldError(field="$.email", detail="give an e-mail address of at most 190 characters"))
    if not 2 <= len(command.nickname) <= 20 or not command.nickname.isprintable():
        errors.append(FieldError(field="$.nickname", detail="give 2 to 20 printable characters"))
    elif command.nickname.lower().startswith(RESERVED_NICKNAME):
        errors.append(FieldError(field="$.nickname", detail=f"must not begin with {RESERVED_NICKNAME}"))
    if not 1 <= len(command.password_hash) <= 255 or not command.password_hash.isascii():
        errors.append(FieldError(field="$.passwordHash", detail="give an Argon2id hash in PHC notation"))
    if len(command.location) > 100:
        errors.append(FieldError(field="$.location", detail="give at most 100 characters"))
    return tuple(errors)


def anonymised(user: User, now: datetime) -> User:
    """The account without anything that tells who it was; it can't be logged in to."""
    return replace(
        user,
        email=f"{RESERVED_NICKNAME}{user.user_id}{RESERVED_DOMAIN}",
        nickname=f"{RESERVED_NICKNAME}{user.user_id}",
        password_hash="",
        location="",
        withdrawn_at=now,
    )

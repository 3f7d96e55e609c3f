"""`user.register.queue`: a new account, if e-mail and nickname are free."""

from __future__ import annotations

from typing import Annotated

from contracts.outcome import Problem
from contracts.user import RegisteredUser, RegisterUser, UserRegistered
from handlers.user import rules
from handlers.user.records import User
from momo.actors import Context, Decision, Key, Refused, State, accept, refuse


class Names(State, frozen=True, kw_only=True):
    same_email: Annotated[User | None, Key(email="email")]
    same_nickname: Annotated[User | None, Key(nickname="nickname")]


def decide(command: RegisterUser, state: Names, context: Context) -> Decision:
    if errors := rules.errors_of(command):
        return Decision(
            outcome=Refused(
                problem=Problem(
                    type="invalid-registration", title="These fields can't be registered", status=422, errors=errors
                )
            )
        )
    if state.same_email is not None:
        return refuse(
            "email-taken", "This e-mail address has an account", detail="Log in, or give another e-mail address."
        )
    if state.same_nickname is not None:
        return refuse("nickname-taken", "This nickname is taken", detail="Choose another nickname.")
    user = User(
        user_id=context.next_id(),
        email=command.email,
        nickname=command.nickname,
        password_hash=command.password_hash,
        location=command.location,
        created_at=context.now,
    )
    registered = UserRegistered(user_id=user.user_id, nickname=user.nickname, registered_at=context.now)
    return accept(RegisteredUser(user_id=user.user_id), status=201, saves=[user], sends=[registered])

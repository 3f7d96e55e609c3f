"""What the user service tells other services of a member."""

from __future__ import annotations

from momo.internal.users import User
from momo.queries.database import Database


async def user(db: Database, user_id: int) -> User | None:
    """A member, also one who has withdrawn, or None where there is none."""
    rows = await db.rows("SELECT user_id, nickname FROM users WHERE user_id = %s", user_id)
    return User(user_id=rows[0][0], nickname=rows[0][1]) if rows else None

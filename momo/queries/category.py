"""The reads of the category service, whose table is in the user database."""

from __future__ import annotations

import msgspec

from momo.queries.database import Database
from momo.queries.reading import Reader


class Category(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    category_id: int
    name: str


_CATEGORY = Reader(Category)


async def categories(db: Database) -> list[Category]:
    """All categories, in the order in which they are shown."""
    sql = f"SELECT {_CATEGORY.columns} FROM categories ORDER BY sort_order, category_id"
    return [_CATEGORY.read(row) for row in await db.rows(sql)]

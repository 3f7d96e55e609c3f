"""Which categories there are, as far as the gateway has read them lately."""

from __future__ import annotations

import logging
import time

from momo.queries.category import categories
from momo.queries.database import Database
from momo.store.errors import StoreError

logger = logging.getLogger(__name__)

FRESH_SECONDS = 30.0


class Categories:
    """Another service owns the categories; the meeting service's commands carry an id that was looked up here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: frozenset[int] = frozenset()
        self._read_at = float("-inf")

    async def has(self, category_id: int) -> bool:
        """Whether there is such a category. While the database is away the last answer counts, and none means yes."""
        if category_id not in self._ids or time.monotonic() - self._read_at > FRESH_SECONDS:
            try:
                found = await categories(self._database)
            except StoreError as error:
                logger.warning("the categories can't be read: %s", error)
                return not self._ids or category_id in self._ids
            self._ids = frozenset(category.category_id for category in found)
            self._read_at = time.monotonic()
        return category_id in self._ids

"""What can go wrong in the database, told apart by what to do about it."""

from __future__ import annotations

import asyncio

import pymysql.err as mysql

CONTENTION = {1205, 1213, 1020}
"""Lock wait timeout, deadlock, record changed since read."""

DUPLICATE = 1062

UNAVAILABLE = {1040, 1053, 1077, 1079, 1129, 1158, 1159, 1160, 1161, 1203, 1226, 1290, 1792, 1836, 1927}
"""Too many connections, shutting down, network errors, read-only, killed: wait until the server is back."""


class StoreError(Exception):
    """The database said no to a statement: what it was asked to write can't be written."""


class StoreContention(StoreError):
    """Another transaction was in the way; the same work may succeed when it is run again."""


class StoreConflict(StoreContention):
    """A row with this key has appeared since it was looked for; reading again will find it."""


class StoreUnavailable(StoreError):
    """The database can't be reached, or serves nobody now. Nothing was decided."""


def classify(error: BaseException) -> StoreError:
    """The StoreError that `error`, raised by the driver, stands for."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, mysql.MySQLError):
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if code == DUPLICATE:
            return StoreConflict(text)
        if code in CONTENTION:
            return StoreContention(text)
        if code in UNAVAILABLE or 2000 <= code < 3000 or isinstance(error, mysql.InterfaceError):
            return StoreUnavailable(text)
        return StoreError(text)
    if isinstance(error, (OSError, EOFError, asyncio.TimeoutError, asyncio.IncompleteReadError, RuntimeError)):
        return StoreUnavailable(text)
    return StoreError(text)


DRIVER_ERRORS = (mysql.MySQLError, OSError, EOFError, asyncio.TimeoutError, RuntimeError)
"""What the driver raises. RuntimeError is among them for a transport that was closed under a statement."""

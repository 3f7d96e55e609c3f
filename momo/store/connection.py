"""One connection to a service's database: UTC, READ COMMITTED, one statement a call, driver errors told apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiomysql
from pymysql.constants import CLIENT

from momo.silence import give_up_on_silence
from momo.store.address import Address, Server, address_of, is_writable
from momo.store.errors import DRIVER_ERRORS, StoreUnavailable, classify
from momo.store.literal import bind

_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION time_zone='+00:00'",
    # a flush holds its locks for milliseconds; who waits longer waits for somebody that hangs
    # and where that somebody's host is gone, the server alone can let go: MariaDB does, MySQL notices the connection
    "SET SESSION innodb_lock_wait_timeout=1 /*M! , SESSION idle_transaction_timeout=10 */",
    "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'",
)


SCRIPT_LENGTH = 4_000_000
"""Characters in a round trip; 16 MB is the least that a server takes by default."""

Rows = list[tuple[Any, ...]]
Read = tuple[str, Callable[[Rows], None]]
"""A statement, and what takes its rows."""


class Connection:
    """An open session. Not for concurrent use. After StoreUnavailable it is closed and must be opened anew."""

    def __init__(self, driver: Any, statement_timeout: float, *, scripts: bool) -> None:
        self._driver = driver
        self._timeout = statement_timeout
        self._scripts = scripts

    @classmethod
    async def open(
        cls, url: str, *, autocommit: bool = False, statement_timeout: float = 30.0, scripts: bool = False
    ) -> Connection:
        """Connects to `mysql://user:password@host:port/database`, where the URL names several servers to the one that
        takes writes. `scripts` lets several statements share a round trip (see `script`). Raises StoreUnavailable."""
        address = address_of(url)

        async def to(server: Server) -> Connection:
            driver = driver_of(address, server, database=address.database, autocommit=autocommit, scripts=scripts)
            try:
                await driver._connect()  # noqa: SLF001 - `aiomysql.connect` can't clear the flag for scripts
                give_up_on_silence(driver._writer.transport)  # noqa: SLF001 - it shows its socket to nobody
                connection = cls(driver, statement_timeout, scripts=scripts)
                for statement in _SESSION:
                    await connection.change(statement)
            except DRIVER_ERRORS as error:
                raise StoreUnavailable(f"{server}/{address.database}: {error}") from error
            except asyncio.CancelledError:  # another server was quicker
                driver.close()
                raise
            return connection

        return await (to(address.servers[0]) if len(address.servers) == 1 else _writable(map(to, address.servers)))

    async def rows(self, sql: str, *args: Any) -> Rows:
        """The rows of `sql`, with `%s` bound to `args`. Raises StoreContention, StoreUnavailable or StoreError."""
        [rows] = await self._run(bind(sql, args))
        return rows

    async def change(self, sql: str, *args: Any) -> int:
        """Runs `sql` and returns how many rows it affected. Raises as `rows`."""
        await self._run(bind(sql, args))
        return int(self._driver.affected_rows())

    async def script(self, statements: Sequence[str]) -> list[Rows]:
        """The rows of each of `statements`, run one after the other up to the first that fails; on a connection for
        scripts in as few round trips as their length allows. Raises as `rows`."""
        answers: list[Rows] = []
        for part in _parts(statements) if self._scripts else ([statement] for statement in statements):
            answers += await self._run(";".join(part))
        return answers

    async def read(self, reads: Iterable[Read]) -> None:
        """Runs the statement of each of `reads` as a script, and gives each its rows."""
        reads = list(reads)
        answers = await self.script([statement for statement, _ in reads])
        for (_, take), rows in zip(reads, answers, strict=True):
            take(rows)

    async def commit(self) -> None:
        await self._run("COMMIT")

    async def rollback(self) -> None:
        await self._run("ROLLBACK")

    @property
    def closed(self) -> bool:
        return bool(self._driver.closed)

    def close(self) -> None:
        """Drops the connection; the server rolls back what was not committed."""
        self._driver.close()

    async def _run(self, sql: str) -> list[Rows]:
        driver = self._driver
        try:
            async with asyncio.timeout(self._timeout):
                await driver.query(sql)
                # a cursor would copy the rows once more
                answers = [list(driver._result.rows or ())]  # noqa: SLF001
                while driver._result.has_next:  # noqa: SLF001
                    await driver.next_result()
                    answers.append(list(driver._result.rows or ()))  # noqa: SLF001
        except DRIVER_ERRORS as error:
            failure = classify(error)
            if isinstance(failure, StoreUnavailable):
                self.close()
            raise failure from error
        except asyncio.CancelledError:
            # the answer is still on the wire: the session can't be used again
            self.close()
            raise
        return answers


def driver_of(
    address: Address,
    server: Server,
    *,
    database: str | None = None,
    autocommit: bool,
    scripts: bool = False,
    seconds: float = 5,
) -> Any:
    """A driver's connection to `server`, not opened yet, which may take `seconds`."""
    driver = aiomysql.Connection(
        host=server.host,
        port=server.port,
        user=address.user,
        password=address.password,
        db=database,
        charset="utf8mb4",
        connect_timeout=seconds,
        autocommit=autocommit,
    )
    if not scripts:
        # The driver turns it on by itself. One statement a call leaves an injection nothing to add to, and is what lets
        # an error name its statement.
        driver.client_flag &= ~CLIENT.MULTI_STATEMENTS
    return driver


async def _writable(opening: Iterable[Coroutine[Any, Any, Connection]]) -> Connection:
    """That one of the connections, all opened at once, whose server takes writes; the others are closed."""
    tasks = [asyncio.create_task(_if_writable(one)) for one in opening]
    found, waiting = None, set(tasks)
    try:
        while waiting and found is None:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            found = next((task.result() for task in done if task.exception() is None), None)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for one in ended:
            if isinstance(one, Connection) and one is not found:
                one.close()
    if found is None:
        raise StoreUnavailable("; ".join(map(str, ended)))
    return found


async def _if_writable(opening: Coroutine[Any, Any, Connection]) -> Connection:
    connection = await opening
    try:
        [(read_only,)] = await connection.rows("SELECT @@global.read_only")
    except BaseException:
        connection.close()
        raise
    if is_writable(read_only):
        return connection
    connection.close()
    raise StoreUnavailable("a server takes no writes")


def _parts(statements: Sequence[str]) -> Iterator[Sequence[str]]:
    """Runs of statements that a server takes at once."""
    start = size = 0
    for position, statement in enumerate(statements):
        size += len(statement)
        if size > SCRIPT_LENGTH and position > start:
            yield statements[start:position]
            start, size = position, len(statement)
    if statements:
        yield statements[start:]


@asynccontextmanager
async def connected(url: str, *, autocommit: bool = True) -> AsyncIterator[Connection]:
    """A connection for the length of a block."""
    connection = await Connection.open(url, autocommit=autocommit)
    try:
        yield connection
    finally:
        connection.close()

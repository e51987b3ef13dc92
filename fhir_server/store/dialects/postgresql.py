"""PostgreSQL: psycopg's connections and its pool, statements as they are, several of them in one round trip.

A read outside of a transaction whose connection was lost is tried once more on a fresh one. A write is never: if
the connection is lost the outcome is unknown, so it is refused with 503 and the client looks for itself.

https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from fhir_server.kernel.errors import TimedOut, Unavailable
from fhir_server.store.bodies import with_bodies
from fhir_server.store.compiled import Compiler, Query, Sql
from fhir_server.store.dialects import postgresql_arrays as arrays
from fhir_server.store.dialects import postgresql_keyed as keyed
from fhir_server.store.dialects.postgresql_keyed import Wire
from fhir_server.store.dialects.postgresql_sending import sending_of
from fhir_server.store.versions import StaleWrite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence

    from fhir_server.kernel.settings import Settings
    from fhir_server.store.versions import Write

Row = tuple[Any, ...]
P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 3
STATEMENTS_PREPARED = 1000
"""Statements a connection keeps prepared: reads and writes by key, a few a resource type."""

SESSION = (
    "SET random_page_cost = 1.1",
    "SET jit = off",
)


_LOCK = Sql("SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1) AS k", ("keys",), {})


class Counter:
    """Counts the round trips to the database."""

    def __init__(self) -> None:
        self.round_trips = 0


def _translated(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let the callers see refusals and StaleWrite instead of psycopg's errors."""

    @wraps(method)
    async def translated(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except psycopg.Error as error:
            raise refusal_of(error) from error

    return translated


class Session:
    """One connection at work: outside of a transaction, or for the length of one."""

    def __init__(self, connection: Wire, counter: Counter, type_numbers: Mapping[str, int]) -> None:
        self._connection = connection
        self._counter = counter
        self._type_numbers = type_numbers

    @_translated
    async def fetch(self, query: Query) -> list[Row]:
        """Run one statement and return its rows."""
        return (await self.run([query]))[0]

    @_translated
    async def fetch_many(self, queries: Sequence[Query]) -> list[list[Row]]:
        """Run several statements in one round trip."""
        return await self.run(queries)

    @_translated
    async def write(self, tenant: int, writes: Sequence[Write]) -> None:
        """Save versions within the transaction there is; raises StaleWrite, after which it has to be rolled back."""
        sendings = sending_of(tenant, writes, self._type_numbers)
        answers = await self.run([sending.query for sending in sendings])
        stale = [p for s, rows in zip(sendings, answers, strict=True) for p in s.positions_missing(rows)]
        if stale:
            raise StaleWrite(sorted(stale))

    @_translated
    async def lock(self, keys: Sequence[int]) -> None:
        """Hold the advisory locks `keys`, taken in sorted order, until the transaction ends."""
        await self.run([Query(_LOCK, [arrays.bigint_array(sorted(set(keys)))])])

    async def run(self, queries: Sequence[Query]) -> list[list[Row]]:
        """Run statements in one round trip. Raises what psycopg raises."""
        self._counter.round_trips += 1
        if len(queries) == 1:
            return [await self._alone(queries[0])]
        async with self._connection.pipeline():
            cursors = [await self._send(query) for query in queries]
        return [await _rows(cursor, query) for cursor, query in zip(cursors, queries, strict=True)]

    # What finds its row by key is prepared and soon has one plan for all (planning an update costs 70 µs). A search
    # is not: it is planned for its own values, as a plan for any cannot know that a hash is rare (_has: 226 ms
    # instead of 1.7).
    async def _alone(self, query: Query) -> list[Row]:
        if query.keyed:
            return await keyed.rows_of(self._connection, query)
        return await _rows(await self._send(query), query)

    async def _send(self, query: Query) -> psycopg.AsyncRawCursor[Row]:
        cursor = psycopg.AsyncRawCursor(self._connection)
        return await cursor.execute(query.sql.text.encode(), query.parameters, prepare=query.keyed, binary=True)

    async def command(self, text: bytes) -> None:
        """Run BEGIN, COMMIT or ROLLBACK."""
        self._counter.round_trips += 1
        await keyed.run_command(self._connection, text)


async def _rows(cursor: psycopg.AsyncRawCursor[Row], query: Query) -> list[Row]:
    return with_bodies(await cursor.fetchall(), query.sql.bodies)


class Postgresql:
    """The database as the store sees it."""

    dialect = "postgresql"

    def __init__(self, settings: Settings) -> None:
        self._counter = Counter()
        self._timeout = settings.query_timeout
        self._type_numbers: Mapping[str, int] = {}
        self.compiler = Compiler("postgresql")
        self._pool: AsyncConnectionPool[Wire] = AsyncConnectionPool(
            settings.database_url,
            connection_class=Wire,
            min_size=min(2, settings.pool_size),
            max_size=settings.pool_size,
            timeout=settings.request_timeout,
            configure=self._configure,
            kwargs={"autocommit": True},
            open=False,
        )

    @property
    def round_trips(self) -> int:
        """Round trips made so far."""
        return self._counter.round_trips

    async def open(self) -> None:
        """Open the first connections and learn the numbers of the resource types."""
        await self._pool.open(wait=True)
        async with self._pool.connection() as connection:
            cursor = await connection.execute("SELECT name, number FROM resource_type")
            self._type_numbers = dict(await cursor.fetchall())

    @property
    def type_numbers(self) -> Mapping[str, int]:
        """The number of each resource type in `history` and `change`."""
        return self._type_numbers

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def _configure(self, connection: Wire) -> None:
        arrays.register(connection)
        connection.prepared_max = STATEMENTS_PREPARED
        milliseconds = max(1, int(self._timeout * 1000))
        await connection.execute(";".join((*SESSION, f"SET statement_timeout = {milliseconds}")).encode())

    async def fetch(self, query: Query) -> list[Row]:
        """Run one read on any connection."""
        return (await self.fetch_many([query]))[0]

    async def fetch_many(self, queries: Sequence[Query]) -> list[list[Row]]:
        """Run several reads on any connection, in one round trip."""
        for attempt in range(ATTEMPTS):
            try:
                connection = await self._taken()
                try:
                    return await Session(connection, self._counter, self._type_numbers).run(queries)
                finally:
                    await self._pool.putconn(connection)
            except psycopg.Error as error:
                if attempt == ATTEMPTS - 1 or not _is_lost(error):
                    raise refusal_of(error) from error
        raise AssertionError("not reached")

    async def write(self, tenant: int, writes: Sequence[Write]) -> None:
        """Save versions, all or none: one statement for one, a transaction for many."""
        if len(writes) == 1:
            await self._write_one(tenant, writes)
            return
        for attempt in range(ATTEMPTS):
            try:
                async with self.transaction() as session:
                    await session.write(tenant, writes)
            except StaleWrite as stale:
                if stale.positions or attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    @_translated
    async def _write_one(self, tenant: int, writes: Sequence[Write]) -> None:
        connection = await self._taken()
        try:
            await Session(connection, self._counter, self._type_numbers).write(tenant, writes)
        finally:
            await self._pool.putconn(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A transaction, committed at the end, rolled back on an exception."""
        async with self._session() as session:
            await session.command(b"BEGIN")
            try:
                yield session
            except BaseException:
                with suppress(psycopg.Error):
                    await session.command(b"ROLLBACK")
                raise
            await session.command(b"COMMIT")

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        try:
            connection = await self._taken()
            try:
                yield Session(connection, self._counter, self._type_numbers)
            finally:
                await self._pool.putconn(connection)
        except psycopg.Error as error:
            raise refusal_of(error) from error

    async def _taken(self) -> Wire:
        """A connection of the pool, to be put back; one that died while it waited there is thrown away."""
        connection = await self._pool.getconn()
        while connection.has_news():
            await connection.close()
            await self._pool.putconn(connection)
            connection = await self._pool.getconn()
        return connection


def _is_lost(error: psycopg.Error) -> bool:
    """Whether the connection went away (and nothing of the statement with it, as it only read)."""
    if isinstance(error, PoolTimeout):
        return False
    lost = (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow, errors.ConnectionException)
    return isinstance(error, lost) or (
        isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None
    )


def refusal_of(error: psycopg.Error) -> Exception:
    """Return what the caller is told: a Refusal, StaleWrite for a collision, or the fault itself."""
    if isinstance(error, errors.QueryCanceled):
        return TimedOut("the database took longer than this server allows; narrow the request")
    if isinstance(error, errors.DeadlockDetected | errors.SerializationFailure):
        return StaleWrite()
    if isinstance(error, PoolTimeout):
        return Unavailable("all database connections are busy; try again")
    if _is_lost(error) or isinstance(error, errors.InsufficientResources | errors.OperatorIntervention):
        return Unavailable(
            "the database connection was lost; whether a write was saved is not known, look before trying again"
        )
    return error

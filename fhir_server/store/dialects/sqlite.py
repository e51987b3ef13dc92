"""SQLite: one writer's thread, a few readers' threads, and reads by key on the spot.

A read by primary key takes some ten microseconds, less than handing it to a thread and back, so the event loop
does it itself; selects go to the readers' threads. Writes go to the writer (`sqlite_writer.py`).

https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from threading import local
from typing import TYPE_CHECKING, Any

from fhir_server.store.addresses import sqlite_path
from fhir_server.store.compiled import Compiler
from fhir_server.store.dialects.sqlite_connections import connect, run, run_within
from fhir_server.store.dialects.sqlite_writer import Unit, Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Mapping, Sequence

    from fhir_server.kernel.settings import Settings
    from fhir_server.store.compiled import Query
    from fhir_server.store.versions import Write

Row = tuple[Any, ...]
READERS = 4


class Session:
    """One transaction, run in the writer's thread."""

    def __init__(self, unit: Unit, timeout: float) -> None:
        self._unit = unit
        self._timeout = timeout

    async def fetch(self, query: Query) -> list[Row]:
        """Run one statement and return its rows."""
        return (await self.fetch_many([query]))[0]

    async def fetch_many(self, queries: Sequence[Query]) -> list[list[Row]]:
        """Run several statements in one message to the writer."""
        return await self._unit.run(lambda connection: run_within(self._timeout, connection, queries))

    async def write(self, tenant: int, writes: Sequence[Write]) -> None:
        """Save versions within the transaction; raises StaleWrite, after which it has to be rolled back."""
        await self._unit.write(tenant, writes)

    async def lock(self, keys: Sequence[int]) -> None:
        """Nothing to do: there is one writer, and this transaction is it."""


class Sqlite:
    """The database as the store sees it."""

    def __init__(self, settings: Settings) -> None:
        self._path = sqlite_path(settings.database_url)
        self._timeout = settings.query_timeout
        self._trips = 0
        self._type_numbers: Mapping[str, int] = {}
        self._connections: list[sqlite3.Connection] = []
        self._own = local()
        self.compiler = Compiler("sqlite")

    @property
    def round_trips(self) -> int:
        """Messages to a thread, and reads on the spot, so far."""
        return self._trips

    @property
    def type_numbers(self) -> Mapping[str, int]:
        """The number of each resource type in `history` and `change`."""
        return self._type_numbers

    async def open(self) -> None:
        """Open the connections and start the threads."""
        self._here = self._connect()
        self._type_numbers = dict(self._here.execute("SELECT name, number FROM resource_type").fetchall())
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")
        self._writer = Writer(self._path, self._type_numbers)

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, writes=False)
        self._connections.append(connection)
        return connection

    async def close(self) -> None:
        """Let the writer finish, stop the threads, close the file."""
        await asyncio.to_thread(self._writer.close)
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()

    async def fetch(self, query: Query) -> list[Row]:
        """Run one read."""
        return (await self.fetch_many([query]))[0]

    async def fetch_many(self, queries: Sequence[Query]) -> list[list[Row]]:
        """Run several reads, one after the other, where they disturb least."""
        self._trips += 1
        if all(query.keyed for query in queries):
            return run(self._here, queries)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, queries)

    def _read(self, queries: Sequence[Query]) -> list[list[Row]]:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._connect()
        return run_within(self._timeout, connection, queries)

    async def write(self, tenant: int, writes: Sequence[Write]) -> None:
        """Save versions, all or none; acknowledged once they are on disk."""
        self._trips += 1
        await self._writer.write(tenant, writes)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A transaction, committed at the end, rolled back on an exception."""
        unit = self._writer.unit()
        await unit.begin()
        session = Session(unit, self._timeout)
        try:
            yield session
        except BaseException:
            await unit.end(commit=False)
            raise
        else:
            await unit.end(commit=True)
        finally:
            self._trips += unit.messages

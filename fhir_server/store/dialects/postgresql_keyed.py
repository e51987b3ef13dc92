"""Statements that find their rows by key, run on libpq itself: prepared once a connection, then only values go.

A cursor costs twice what such a statement does (its adaptation, its row factory, its descriptions): a read takes 35 us
of the process without one instead of 53. Whatever is not by key goes by psycopg's cursors.

https://www.psycopg.org/psycopg3/docs/api/pq.html and https://www.postgresql.org/docs/current/libpq-async.html
"""

from __future__ import annotations

import asyncio
import itertools
from select import POLLIN, poll
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, Format, TransactionStatus

from fhir_server.store.bodies import unpacked
from fhir_server.store.dialects import postgresql_arrays as arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from psycopg.pq.abc import PGconn, PGresult

    from fhir_server.store.compiled import Query, Sql

Row = tuple[Any, ...]

_READ, _WRITE = 1, 2  # psycopg.waiting.Wait and Ready: IntEnums, and slower to look up than this whole line
_TEXT, _BINARY = Format.TEXT, Format.BINARY


class Wire(psycopg.AsyncConnection[Row]):
    """A connection that knows what was prepared on it, and whether the server said something unasked."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.statements: dict[str, _Prepared] = {}
        self._names = itertools.count()
        self._news = poll()
        self._news.register(self.pgconn.socket, POLLIN)

    def has_news(self) -> bool:
        """Whether it is closed, or the server said something unasked: that it closed it, in all likelihood."""
        return self.closed or bool(self._news.poll(0))

    def new_name(self) -> bytes:
        """Return a name that no statement had on this connection."""
        return b"k%d" % next(self._names)

    async def rollback(self) -> None:
        """Roll back as the pool does with what is left open. psycopg drops all statements then, ours too."""
        await super().rollback()
        self.statements.clear()


class _Prepared:
    """A statement known to a connection by its name; `loads` read its columns, once it is known what they are."""

    __slots__ = ("loads", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.loads: tuple[Callable[[bytes], Any], ...] | None = None


async def rows_of(connection: Wire, query: Query) -> list[Row]:
    """Run a statement by key and return its rows, bodies unpacked. Raises what psycopg raises."""
    values, formats = _sent(query.parameters)
    pgconn = connection.pgconn
    async with connection.lock:
        prepared = connection.statements.get(query.sql.text)
        if prepared is None:
            prepared = await _prepare(connection, query.sql)
        pgconn.send_query_prepared(prepared.name, values, formats, _BINARY)
        try:
            result = await _result(pgconn)
        except InvalidSqlStatementName:  # somebody dropped what was prepared: a pooler between, in all likelihood
            connection.statements.clear()
            raise
    loads = prepared.loads
    if loads is None:
        loads = prepared.loads = _loads(result, query.sql)
    value = result.get_value
    return [
        tuple([None if (data := value(row, n)) is None else load(data) for n, load in enumerate(loads)])
        for row in range(result.ntuples)
    ]


async def run_command(connection: Wire, text: bytes) -> None:
    """Run BEGIN, COMMIT or ROLLBACK past psycopg, which answers a ROLLBACK with DEALLOCATE ALL: ours would go too."""
    async with connection.lock:
        connection.pgconn.send_query(text)
        await _result(connection.pgconn)


async def _prepare(connection: Wire, sql: Sql) -> _Prepared:
    prepared = _Prepared(connection.new_name())
    connection.pgconn.send_prepare(prepared.name, sql.text.encode())
    await _result(connection.pgconn)
    connection.statements[sql.text] = prepared
    return prepared


async def _result(pgconn: PGconn) -> PGresult:
    """Return what the server answers. Who stops waiting leaves a connection that nobody can use any more."""
    try:
        results = await _driven(pgconn)
    except OSError as gone:  # the event loop cannot wait for a socket that was closed under it
        raise psycopg.OperationalError("the connection is lost") from gone
    except BaseException:
        if pgconn.transaction_status == TransactionStatus.ACTIVE:
            pgconn.finish()
        raise
    if not results:
        raise psycopg.OperationalError("the connection was lost before an answer")
    result = results[-1]
    if result.status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
        raise error_from_result(result)
    return result


async def _driven(pgconn: PGconn) -> list[PGresult]:
    loop, socket = asyncio.get_running_loop(), pgconn.socket
    sending = execute(pgconn)
    try:
        wanted = next(sending)
        while True:
            ready: asyncio.Future[int] = loop.create_future()
            loop.add_reader(socket, _settle, ready, _READ)
            if wanted & _WRITE:
                loop.add_writer(socket, _settle, ready, _WRITE)
            try:
                found = await ready
            finally:
                loop.remove_reader(socket)
                if wanted & _WRITE:
                    loop.remove_writer(socket)
            wanted = sending.send(found)
    except StopIteration as end:
        results: list[PGresult] = end.value
        return results


def _settle(ready: asyncio.Future[int], value: int) -> None:
    if not ready.done():
        ready.set_result(value)


def _sent(parameters: Sequence[Any]) -> tuple[list[bytes | None], list[Format]]:
    """Return the values and their formats: bytes and packed arrays as they are, lists of texts packed, all else as text."""
    values: list[bytes | None] = []
    formats: list[Format] = []
    for parameter in parameters:
        if isinstance(parameter, bytes | list):
            values.append(arrays.text_array(parameter) if isinstance(parameter, list) else parameter)
            formats.append(_BINARY)
            continue
        formats.append(_TEXT)
        if parameter is None:
            values.append(None)
        elif type(parameter) is int:
            values.append(b"%d" % parameter)
        else:
            values.append(_text(parameter))
    return values, formats


def _text(parameter: Any) -> bytes:
    if type(parameter) is not str:
        raise TypeError(f"a statement by key takes no {type(parameter).__name__}")
    data = parameter.encode()
    if b"\0" in data:  # libpq would end the text there
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return data


def _integer(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


_LOADS: Mapping[int, Callable[[bytes], Any]] = {
    arrays.BIGINT: _integer,
    21: _integer,  # smallint
    23: _integer,  # integer
    arrays.TEXT: bytes.decode,
    arrays.BYTEA: bytes,
}


def _loads(result: PGresult, sql: Sql) -> tuple[Callable[[bytes], Any], ...]:
    return tuple(unpacked if n in sql.bodies else _LOADS[result.ftype(n)] for n in range(result.nfields))

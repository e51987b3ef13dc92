"""Connections to a SQLite file, and running statements on them.

https://www.sqlite.org/pragma.html
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

from fhir_server.kernel.errors import TimedOut, Unavailable
from fhir_server.store.bodies import with_bodies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.store.compiled import Query

Row = tuple[Any, ...]

SECONDS_TO_WAIT = 30
"""How long a connection waits while another process writes."""

STATEMENTS_PREPARED = 1000
STEPS_BETWEEN_LOOKS = 20_000
"""Steps of SQLite's machine (about a millisecond) between two looks at the clock."""

PRAGMAS = (
    # FULL: a commit is on disk before it is acknowledged, so it outlives a loss of power as well.
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",
    "PRAGMA mmap_size = 268435456",
)


def connect(path: str, *, writes: bool) -> sqlite3.Connection:
    """Open a connection whose transactions are begun and ended by hand, and which only reads unless it `writes`."""
    connection = sqlite3.connect(
        path,
        timeout=SECONDS_TO_WAIT,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_PREPARED,
    )
    for pragma in PRAGMAS:
        connection.execute(pragma)
    if not writes:
        connection.execute("PRAGMA query_only = 1")
    return connection


def run(connection: sqlite3.Connection, queries: Sequence[Query]) -> list[list[Row]]:
    """Run statements one after the other and return the rows of each. Raises Refusals for what is not a fault."""
    try:
        return [
            with_bodies(connection.execute(query.sql.text, query.parameters).fetchall(), query.sql.bodies)
            for query in queries
        ]
    except sqlite3.OperationalError as error:
        raise refusal_of(error) from error


def run_within(seconds: float, connection: sqlite3.Connection, queries: Sequence[Query]) -> list[list[Row]]:
    """Run statements as `run` does, and give them up after `seconds` with TimedOut."""
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    try:
        return run(connection, queries)
    finally:
        connection.set_progress_handler(None, 0)


def refusal_of(error: sqlite3.OperationalError) -> Exception:
    """Return what the caller is told: a Refusal where it is one, else the fault itself."""
    if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
        return TimedOut("the database took longer than this server allows; narrow the request")
    if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return Unavailable("the database is busy with other writes; try again")
    if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}:
        return Unavailable("the database cannot be written to")
    return error

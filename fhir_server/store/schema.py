"""Brings a database's tables up to what this server needs, however many workers start at once.

An empty database is made on opening it, and so is the next revision of a SQLite file; a PostgreSQL database of an
earlier revision waits for `fhir-server migrate`, because a change of large tables is for its owner to time.

https://alembic.sqlalchemy.org
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from fhir_server.kernel.bundled import bundled
from fhir_server.store.addresses import dialect_of, is_sqlite, sqlite_path

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fhir_server.store.tables import Dialect

HEAD = "0002"
"""The revision this server needs; a test holds it to the newest file in `migrations/versions`."""

LOCK = 0x0F41_5253
"""The PostgreSQL advisory lock that one migration at a time holds."""

SECONDS_TO_WAIT = 120


class SchemaOutdated(Exception):  # noqa: N818 - it says what is, and what to do
    """The database is of another revision than this server."""

    def __init__(self, revision: str) -> None:
        super().__init__(f"the database is at revision {revision}, this server needs {HEAD}: run `fhir-server migrate`")


def prepare(database_url: str) -> None:
    """Make or check the tables before the store is opened. Raises SchemaOutdated, see the module."""
    revision = revision_of(database_url)
    if revision == HEAD:
        return
    if revision is None or is_sqlite(database_url):
        migrate(database_url)
    else:
        raise SchemaOutdated(revision)


def revision_of(database_url: str) -> str | None:
    """Return the revision of the database, None where it is empty. Does not load Alembic."""
    question = "SELECT version_num FROM alembic_version"
    if is_sqlite(database_url):
        connection = sqlite3.connect(sqlite_path(database_url), timeout=SECONDS_TO_WAIT)
        try:
            row = connection.execute(question).fetchone()
        except sqlite3.OperationalError as fault:
            if "no such table" not in str(fault):
                raise
            row = None
        finally:
            connection.close()
        return str(row[0]) if row else None
    import psycopg  # noqa: PLC0415 - a server on SQLite does without

    with psycopg.connect(database_url, autocommit=True) as session:
        try:
            found = session.execute(question).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        return str(found[0]) if found else None


def migrate(database_url: str) -> str:
    """Run the migrations that are missing, under a lock, in one transaction; return the revision reached."""
    import sqlalchemy  # noqa: PLC0415 - loading Alembic and an engine is only for those who migrate
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(bundled("migrations")).replace("%", "%%"))
    dialect = dialect_of(database_url)
    engine = sqlalchemy.create_engine(_engine_url(database_url, dialect), poolclass=sqlalchemy.NullPool)
    if dialect == "sqlite":
        sqlalchemy.event.listen(engine, "connect", _leave_transactions_to_us)
    with engine.connect() as connection:
        _lock(connection, dialect)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    engine.dispose()
    return HEAD


def _engine_url(database_url: str, dialect: Dialect) -> str:
    if dialect == "sqlite":
        return f"sqlite:///{sqlite_path(database_url)}"
    return "postgresql+psycopg://" + database_url.partition("://")[2]


def _leave_transactions_to_us(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {SECONDS_TO_WAIT * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")


def _lock(connection: Connection, dialect: Dialect) -> None:
    begin = "BEGIN IMMEDIATE" if dialect == "sqlite" else f"SELECT pg_advisory_xact_lock({LOCK})"
    connection.exec_driver_sql(begin)

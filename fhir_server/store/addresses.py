"""Database URLs: which database, and where.

`sqlite:///clinic.db` (relative), `sqlite:////srv/clinic.db` (absolute), `postgresql://user:password@host/database`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_server.store.tables import Dialect

_SQLITE = "sqlite:///"


def dialect_of(database_url: str) -> Dialect:
    """Return the dialect of the URL. Raises ValueError, which does not repeat the URL: it may hold a password."""
    if database_url.startswith(_SQLITE) and len(database_url) > len(_SQLITE):
        return "sqlite"
    if database_url.startswith(("postgresql://", "postgres://")):
        return "postgresql"
    raise ValueError("DATABASE_URL is neither sqlite:///FILE nor postgresql://USER:PASSWORD@HOST/DATABASE")


def is_sqlite(database_url: str) -> bool:
    """Whether the URL names a SQLite file."""
    return dialect_of(database_url) == "sqlite"


def sqlite_path(database_url: str) -> str:
    """Return the path of the file a SQLite URL names. Raises ValueError for `:memory:`, which workers cannot share."""
    path = database_url.removeprefix(_SQLITE)
    if path == ":memory:":
        raise ValueError("a database in memory cannot be shared by the server's threads: name a file")
    return path

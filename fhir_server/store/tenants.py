"""Tenants: each has a name, which is in URLs, and a key, which is in every row and hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fhir_server.kernel.errors import BadRequest, Conflict, Unavailable
from fhir_server.store.compiled import Query, sql_of
from fhir_server.store.tables import Dialect, tenant

if TYPE_CHECKING:
    from sqlalchemy.sql.base import Executable

    from fhir_server.store.database import Database
    from fhir_server.store.instances import Runner

DEFAULT_KEY = 1
LONGEST_NAME = 64
ATTEMPTS = 10


async def key_of(database: Database, name: str) -> int | None:
    """Return the key of the tenant of that name, None where there is none."""
    if not _is_name(name):
        return None
    rows = await _run(database, database.compiler.dialect, select(tenant.c.key).where(_is_called()), name=name)
    return int(rows[0][0]) if rows else None


async def create(database: Database, name: str) -> int:
    """Make a tenant and return its key. Raises BadRequest for a name that cannot be, Conflict for one that is."""
    if not _is_name(name):
        raise BadRequest(f"a tenant's name has 1 to {LONGEST_NAME} letters, digits, `-` or `_`")
    for _ in range(ATTEMPTS):
        if await key_of(database, name) is not None:
            raise Conflict(f"there is a tenant {name!r} already")
        next_key = select(func.coalesce(func.max(tenant.c.key), DEFAULT_KEY) + 1)
        key = await _insert(database, name, next_key.scalar_subquery())
        if key is not None:
            return key
    raise Unavailable("many tenants are being made at once; try again")


async def all_of(database: Database) -> list[tuple[int, str]]:
    """Return (key, name) of all tenants, in the order they were made."""
    rows = await _run(database, database.compiler.dialect, select(tenant.c.key, tenant.c.name).order_by(tenant.c.key))
    return [(key, name) for key, name in rows]


async def name_default(database: Database, name: str) -> None:
    """Let key 1 be called `name`, the setting DEFAULT_TENANT. Raises BadRequest or Conflict as `create` does."""
    if not _is_name(name):
        raise BadRequest(f"DEFAULT_TENANT: 1 to {LONGEST_NAME} letters, digits, `-` or `_`")
    key = await key_of(database, name)
    if key == DEFAULT_KEY:
        return
    if key is not None:
        raise Conflict(f"DEFAULT_TENANT: {name!r} is another tenant's name")
    if await _insert(database, name, DEFAULT_KEY) is None:
        dialect = database.compiler.dialect
        rename = update(tenant).values(name=bindparam("called", type_=Text)).where(tenant.c.key == DEFAULT_KEY)
        async with database.transaction() as session:
            await _run(session, dialect, rename.returning(tenant.c.key), called=name)


async def _insert(database: Database, name: str, key: Any) -> int | None:
    dialect = database.compiler.dialect
    insert = sqlite.insert(tenant) if dialect == "sqlite" else postgresql.insert(tenant)
    statement = insert.values(key=key, name=bindparam("name", type_=Text)).on_conflict_do_nothing()
    async with database.transaction() as session:
        rows = await _run(session, dialect, statement.returning(tenant.c.key), name=name)
    return int(rows[0][0]) if rows else None


async def _run(runner: Runner, dialect: Dialect, executable: Executable, **values: Any) -> list[tuple[Any, ...]]:
    sql = sql_of(executable, dialect)
    return await runner.fetch(Query(sql, sql.parameters(values)))


def _is_called() -> Any:
    return tenant.c.name == bindparam("name", type_=Text)


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()

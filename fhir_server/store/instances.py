"""Reads instances and runs selects, within one tenant; outside of a transaction or inside of one."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import ARRAY, Column, Integer, SmallInteger, Text, any_, bindparam, func, select

from fhir_server.store import history as histories
from fhir_server.store.compiled import Compiler, Query, Sql, sql_of
from fhir_server.store.rows import json_list, version_of
from fhir_server.store.tables import Dialect, history, resource_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fhir_server.store.history import Asked, Cursor
    from fhir_server.store.versions import Statement, Version, Write

Row = tuple[Any, ...]
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_NEWEST = ("version", "updated", "method", "body")
HIGHEST_VERSION = 2**31 - 1


class Runner(Protocol):
    """Runs statements: a database (each on its own), or a session (all in one transaction)."""

    async def fetch(self, query: Query) -> list[Row]:
        """Run one statement."""
        ...

    async def fetch_many(self, queries: Sequence[Query]) -> list[list[Row]]:
        """Run several statements in one round trip."""
        ...

    async def write(self, tenant: int, writes: Sequence[Write]) -> None:
        """Save versions, all or none. Raises StaleWrite."""
        ...


class Instances:
    """The instances of one tenant, through one runner."""

    def __init__(self, tenant: int, runner: Runner, compiler: Compiler, type_numbers: Mapping[str, int]) -> None:
        self._tenant = tenant
        self._runner = runner
        self._compiler = compiler
        self._type_numbers = type_numbers

    @property
    def _dialect(self) -> Dialect:
        return self._compiler.dialect

    async def read(self, resource_type: str, id: str) -> Version | None:
        """Return the newest version, whose body is None where it is a deletion; None where there never was one."""
        if not _ID.fullmatch(id):
            return None
        sql = _newest(resource_type, self._dialect)
        rows = await self._runner.fetch(_keyed(sql, {"tenant": self._tenant, "id": id}))
        return version_of(resource_type, id, rows[0]) if rows else None

    async def read_many(self, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Version]:
        """Return the newest versions of those (resource type, id) that exist, in one round trip."""
        by_type: dict[str, set[str]] = {}
        for resource_type, id_ in places:
            if _ID.fullmatch(id_):
                by_type.setdefault(resource_type, set()).add(id_)
        if not by_type:
            return {}
        queries = [
            _keyed(_newest_of(t, self._dialect), {"tenant": self._tenant, "ids": _list(ids, self._dialect)})
            for t, ids in by_type.items()
        ]
        answers = await self._runner.fetch_many(queries)
        found = ((t, row) for t, rows in zip(by_type, answers, strict=True) for row in rows)
        return {(t, row[4]): version_of(t, row[4], row) for t, row in found}

    async def read_version(self, resource_type: str, id: str, version: int) -> Version | None:
        """Return that version, current or not."""
        if not _ID.fullmatch(id) or not 0 < version <= HIGHEST_VERSION:
            return None
        values = {"tenant": self._tenant, "id": id, "version": version, "type": self._type_numbers[resource_type]}
        rows = await self._runner.fetch(_keyed(_one_version(resource_type, self._dialect), values))
        return version_of(resource_type, id, rows[0]) if rows else None

    async def write(self, writes: Sequence[Write]) -> None:
        """Save versions, all or none, in a fixed number of round trips. Raises StaleWrite."""
        if writes:
            await self._runner.write(self._tenant, writes)

    async def select(self, statement: Statement) -> list[Row]:
        """Run a select; its bind `tenant` is set here."""
        return await self._runner.fetch(self._compiler.query(statement, self._tenant))

    async def select_many(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run several selects in one round trip."""
        if not statements:
            return []
        return await self._runner.fetch_many([self._compiler.query(s, self._tenant) for s in statements])

    async def history(
        self,
        *,
        resource_type: str | None = None,
        id: str | None = None,
        since: int | None = None,
        at: tuple[int, int] | None = None,
        before: Cursor | None = None,
        limit: int = 100,
    ) -> list[Version]:
        """Return the versions of an instance, a type or all, newest first.

        `since` leaves out what is older than it; `at` = (low, high) asks for the versions that were current at some
        time within, high exclusive; `before` is `(updated, position)` of the last version of the page before.
        """
        asked = self._asked(resource_type, id, since, at, before)
        if id is not None and not _ID.fullmatch(id):
            return []
        return await histories.versions(self, self._runner, asked, limit)

    async def history_count(
        self,
        *,
        resource_type: str | None = None,
        id: str | None = None,
        since: int | None = None,
        at: tuple[int, int] | None = None,
    ) -> int:
        """Return how many versions that history has in all."""
        if id is not None and not _ID.fullmatch(id):
            return 0
        return await histories.count(self._runner, self._asked(resource_type, id, since, at, None))

    def _asked(
        self,
        resource_type: str | None,
        id: str | None,
        since: int | None,
        at: tuple[int, int] | None,
        before: Cursor | None,
    ) -> Asked:
        return histories.Asked(self._dialect, self._type_numbers, self._tenant, resource_type, id, since, at, before)


def _keyed(sql: Sql, values: Mapping[str, Any]) -> Query:
    return Query(sql, sql.parameters(values), keyed=True)


def _is_newest(resource_type: str) -> tuple[Any, Any]:
    table = resource_table(resource_type)
    return table.c.tenant == bindparam("tenant", type_=Integer), table.c.id == bindparam("id", type_=Text)


@cache
def _newest(resource_type: str, dialect: Dialect) -> Sql:
    table = resource_table(resource_type)
    return sql_of(select(*(table.c[n] for n in _NEWEST)).where(*_is_newest(resource_type)), dialect)


@cache
def _newest_of(resource_type: str, dialect: Dialect) -> Sql:
    table = resource_table(resource_type)
    columns = [*(table.c[n] for n in _NEWEST), table.c.id]
    is_wanted = _is_one_of(table.c.id, dialect), table.c.tenant == bindparam("tenant", type_=Integer)
    return sql_of(select(*columns).where(*is_wanted), dialect)


def _is_one_of(column: Column[Any], dialect: Dialect) -> Any:
    if dialect == "postgresql":
        return column == any_(bindparam("ids", type_=ARRAY(Text)))
    return column.in_(select(func.json_each(bindparam("ids", type_=Text)).table_valued("value").c.value))


def _list(ids: Iterable[str], dialect: Dialect) -> Any:
    return list(ids) if dialect == "postgresql" else json_list(ids)


@cache
def _one_version(resource_type: str, dialect: Dialect) -> Sql:
    table = resource_table(resource_type)
    version = bindparam("version", type_=Integer)
    current = select(*(table.c[n] for n in _NEWEST)).where(*_is_newest(resource_type), table.c.version == version)
    kept = select(*(history.c[n] for n in _NEWEST)).where(
        history.c.tenant == bindparam("tenant", type_=Integer),
        history.c.resource_type == bindparam("type", type_=SmallInteger),
        history.c.id == bindparam("id", type_=Text),
        history.c.version == version,
    )
    return sql_of(current.union_all(kept), dialect)

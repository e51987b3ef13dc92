"""History: the versions of an instance, of a resource type or of everything, newest first, page by page.

An instance's versions are its current row and those in `history`, by version. A type's and the system's follow
`change`, by time and then by its sequence; the bodies come from `history` or, for what is still current, from the
type's table.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Integer,
    SmallInteger,
    Text,
    and_,
    bindparam,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)

from fhir_server.store.compiled import Query, Sql, sql_of
from fhir_server.store.rows import version_of
from fhir_server.store.tables import Dialect, change, history, resource_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Select

    from fhir_server.store.instances import Instances, Runner
    from fhir_server.store.versions import Version

Cursor = tuple[int, int]
"""`(updated, position)` of a version; what a page begins after."""

_KEY = ("tenant", "resource_type", "id", "version")


class _Shape(NamedTuple):
    """Which conditions a statement has; one text each."""

    since: bool
    at: bool
    before: bool
    counted: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """Which history is asked for, and from where on."""

    dialect: Dialect
    type_numbers: Mapping[str, int]
    tenant: int
    resource_type: str | None
    id: str | None
    since: int | None
    at: tuple[int, int] | None
    before: Cursor | None

    def query(self, *, limit: int | None) -> Query:
        """Return the statement for one page, or without a limit for the number of all versions."""
        shape = _Shape(self.since is not None, self.at is not None, self.before is not None, limit is None)
        if self.id is not None:
            sql = _of_instance(self.dialect, str(self.resource_type), shape)
        else:
            sql = _of_many(self.dialect, self.resource_type, shape)
        low, high = self.at or (0, 0)
        updated, position = self.before or (0, 0)
        values = {
            "tenant": self.tenant,
            "type": self.type_numbers[self.resource_type] if self.resource_type else 0,
            "id": self.id,
            "since": self.since,
            "low": low,
            "high": high,
            "updated": updated,
            "position": position,
            "limit": limit,
        }
        return Query(sql, sql.parameters(values))


async def versions(instances: Instances, runner: Runner, asked: Asked, limit: int) -> list[Version]:
    """Return one page."""
    rows = await runner.fetch(asked.query(limit=limit))
    if asked.id is not None:
        return [version_of(str(asked.resource_type), asked.id, row, row[0]) for row in rows]
    names = {number: name for name, number in asked.type_numbers.items()}
    page = [version_of(names[row[4]], row[5], row, row[6]) for row in rows]
    return page if asked.resource_type else await _with_bodies(instances, page)


async def count(runner: Runner, asked: Asked) -> int:
    """Return the number of all versions asked for."""
    rows = await runner.fetch(asked.query(limit=None))
    return int(rows[0][0])


async def _with_bodies(instances: Instances, page: list[Version]) -> list[Version]:
    """Fill in what is current: its body is in its type's table, and 146 tables are not joined."""
    missing = {(v.resource_type, v.id) for v in page if v.body is None and v.method != "DELETE"}
    newest = await instances.read_many(missing)
    filled = []
    for version in page:
        if version.body is None and version.method != "DELETE":
            there = newest.get((version.resource_type, version.id))
            if there is None or there.version != version.version:  # Replaced in between: it is in `history` by now.
                there = await instances.read_version(version.resource_type, version.id, version.version)
            version = replace(version, body=there.body if there else None)  # noqa: PLW2901
        filled.append(version)
    return filled


@cache
def _of_instance(dialect: Dialect, resource_type: str, shape: _Shape) -> Sql:
    table = resource_table(resource_type)
    tenant, id_ = bindparam("tenant", type_=Integer), bindparam("id", type_=Text)
    columns = ("version", "updated", "method", "body")
    current = select(*(table.c[n] for n in columns), null().cast(BigInteger).label("ended")).where(
        table.c.tenant == tenant, table.c.id == id_
    )
    kept = select(*(history.c[n] for n in columns), history.c.ended).where(
        history.c.tenant == tenant,
        history.c.resource_type == bindparam("type", type_=SmallInteger),
        history.c.id == id_,
    )
    all_ = union_all(current, kept).subquery("u")
    statement = _narrowed(select(*(all_.c[n] for n in columns)), all_.c.updated, all_.c.ended, shape)
    if shape.before:
        statement = statement.where(all_.c.version < bindparam("position", type_=Integer))
    return _counted_or_paged(statement, [all_.c.version.desc()], dialect, counted=shape.counted)


@cache
def _of_many(dialect: Dialect, resource_type: str | None, shape: _Shape) -> Sql:
    same = and_(*(history.c[n] == change.c[n] for n in _KEY))
    rows: Any = change.outerjoin(history, same) if shape.at or not shape.counted else change
    body: Any = history.c.body
    if resource_type is not None and not shape.counted:
        table = resource_table(resource_type)
        rows = rows.outerjoin(table, and_(*(table.c[n] == change.c[n] for n in ("tenant", "id", "version"))))
        body = func.coalesce(history.c.body, table.c.body)
    c = change.c
    shown = [literal(1)] if shape.counted else [c.version, c.updated, c.method, body, c.resource_type, c.id, c.seq]
    statement = select(*shown).select_from(rows).where(c.tenant == bindparam("tenant", type_=Integer))
    if resource_type is not None:
        statement = statement.where(c.resource_type == bindparam("type", type_=SmallInteger))
    if shape.before:
        cursor = tuple_(bindparam("updated", type_=BigInteger), bindparam("position", type_=BigInteger))
        statement = statement.where(tuple_(c.updated, c.seq) < cursor)
    statement = _narrowed(statement, c.updated, history.c.ended, shape)
    return _counted_or_paged(statement, [c.updated.desc(), c.seq.desc()], dialect, counted=shape.counted)


def _narrowed(statement: Select[Any], updated: Any, ended: Any, shape: _Shape) -> Select[Any]:
    if shape.since:
        statement = statement.where(updated >= bindparam("since", type_=BigInteger))
    if shape.at:
        low = bindparam("low", type_=BigInteger)
        statement = statement.where(
            updated < bindparam("high", type_=BigInteger), or_(updated >= low, ended.is_(None), ended > low)
        )
    return statement


def _counted_or_paged(statement: Select[Any], order: list[Any], dialect: Dialect, *, counted: bool) -> Sql:
    if counted:
        return sql_of(select(func.count()).select_from(statement.subquery()), dialect)
    return sql_of(statement.order_by(*order).limit(bindparam("limit", type_=BigInteger)), dialect)

"""The statements that write on PostgreSQL: one for a single write, one a resource type and kind for many.

Each statement does all there is to a write: the newest version takes the place of the one before, which moves to
`history`, and `change` gets its row. A row is changed only where it has the version expected, so a statement that
wrote fewer rows than it was given met somebody faster.

https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from fhir_server.store.compiled import Sql, sql_of
from fhir_server.store.tables import change, history, resource_table

if TYPE_CHECKING:
    from sqlalchemy import CTE

# The columns of a version and what they are; `h` comes as an array of its own for one row, as text for many.
_TYPES: dict[str, Any] = {
    "id": Text,
    "version": Integer,
    "updated": BigInteger,
    "method": SmallInteger,
    "patient": Text,
    "date_low": BigInteger,
    "date_high": BigInteger,
    "rh": BigInteger,
    "h": ARRAY(BigInteger),
    "v": JSONB,
    "body": LargeBinary,
}
_MOVED = ("tenant", "id", "version", "updated", "method", "body")
_LOGGED = ("tenant", "resource_type", "id", "version", "updated", "method")


@cache
def create_one(resource_type: str) -> Sql:
    """Insert the first version of an instance; no row comes back where the instance exists."""
    table = resource_table(resource_type)
    new = (
        insert_or_not(table)
        .values(tenant=_tenant(), **{name: bindparam(name, type_=kind) for name, kind in _TYPES.items()})
        .on_conflict_do_nothing(index_elements=[table.c.tenant, table.c.id])
        .returning(table.c.id)
        .cte("new")
    )
    return _logged(select(*_log_binds()).select_from(new))


@cache
def replace_one(resource_type: str) -> Sql:
    """Put the next version, or a deletion, in the place of version `expected`; no row where that is not there."""
    table = resource_table(resource_type)
    is_expected = (
        table.c.tenant == _tenant(),
        table.c.id == bindparam("id", type_=Text),
        table.c.version == bindparam("expected", type_=Integer),
    )
    old = select(*(table.c[name] for name in _MOVED)).where(*is_expected).with_for_update().cte("old")
    kept = _kept(select(*_from_old(old, bindparam("updated", type_=BigInteger))))
    new = (
        update(table)
        .values({name: bindparam(name, type_=kind) for name, kind in _TYPES.items() if name not in {"id", "rh"}})
        .where(table.c.tenant == old.c.tenant, table.c.id == old.c.id)
        .returning(table.c.id)
        .cte("new")
    )
    return _logged(select(*_log_binds()).select_from(new), kept)


@cache
def create_many(resource_type: str) -> Sql:
    """Insert the first versions of many instances; the ids of those that were written come back."""
    table, rows = resource_table(resource_type), _rows()
    new = (
        insert_or_not(table)
        .from_select(["tenant", *_TYPES], select(_tenant(), *(rows.c[name] for name in _TYPES)))
        .on_conflict_do_nothing(index_elements=[table.c.tenant, table.c.id])
        .returning(table.c.id)
        .cte("new")
    )
    return _logged_many(rows, new)


@cache
def replace_many(resource_type: str) -> Sql:
    """Put many next versions in the places of those expected; the ids of those that were written come back."""
    table, rows = resource_table(resource_type), _rows()
    old = (
        select(*(table.c[name] for name in _MOVED))
        .where(table.c.tenant == _tenant(), table.c.id == rows.c.id, table.c.version == rows.c.expected)
        .order_by(table.c.id)  # Everybody locks in the same order.
        .with_for_update(of=table)
        .cte("old")
    )
    kept = _kept(select(*_from_old(old, rows.c.updated)).where(old.c.id == rows.c.id))
    new = (
        update(table)
        .values({name: rows.c[name] for name in _TYPES if name not in {"id", "rh"}})
        .where(table.c.tenant == old.c.tenant, table.c.id == old.c.id, rows.c.id == old.c.id)
        .returning(table.c.id)
        .cte("new")
    )
    return _logged_many(rows, new, kept)


def _tenant() -> Any:
    return bindparam("tenant", type_=Integer)


def _number() -> Any:
    return bindparam("resource_type", type_=SmallInteger)


def _log_binds() -> list[Any]:
    return [_tenant(), _number(), *(bindparam(name, type_=_TYPES[name]) for name in _LOGGED[2:])]


def _from_old(old: CTE, ended: Any) -> list[Any]:
    return [*(old.c[name] for name in _MOVED), ended, _number()]


def _kept(moved: Any) -> CTE:
    return insert(history).from_select([*_MOVED, "ended", "resource_type"], moved).cte("kept")


def _logged(rows: Any, *before: CTE) -> Sql:
    statement = insert(change).from_select(_LOGGED, rows).returning(change.c.id).add_cte(*before)
    return sql_of(statement, "postgresql")


def _logged_many(rows: Any, new: CTE, *before: CTE) -> Sql:
    logged = select(_tenant(), _number(), *(rows.c[name] for name in _LOGGED[2:]))
    return _logged(logged.where(new.c.id == rows.c.id).order_by(rows.c.n), *before)


def _rows() -> Any:
    """`unnest` of one array a column: as many rows as wanted in one statement of one shape."""
    names = [*(name for name in _TYPES if name != "h"), "h", "expected"]
    arrays = [bindparam(f"{name}s", type_=ARRAY(_sent_as(name))) for name in names]
    columns = [column(name, _sent_as(name)) for name in names]
    unnested = func.unnest(*arrays).table_valued(*columns, with_ordinality="n", name="unnested").render_derived()
    return select(*(_cast(unnested.c[name], name) for name in names), unnested.c.n).cte("r")


def _sent_as(name: str) -> Any:
    if name in {"h", "v"}:
        return Text()  # An array of arrays would have to be a rectangle.
    kind = BigInteger if name == "expected" or _TYPES[name] in {Integer, SmallInteger} else _TYPES[name]
    return kind()


def _cast(sent: Any, name: str) -> Any:
    kind = _TYPES.get(name, Integer)
    return cast(sent, kind).label(name) if _sent_as(name).__class__ is not kind else sent

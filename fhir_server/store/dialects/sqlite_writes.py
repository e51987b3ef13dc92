"""How a version is written on SQLite: the row, the tail, the version before into `history`, the row of `change`.

Runs in the writer's thread inside its transaction; plain calls of `sqlite3`.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_not

from fhir_server.store.compiled import Sql, sql_of
from fhir_server.store.rows import json_list, refuse_twice_the_same, values_of
from fhir_server.store.tables import change, history, resource_table, tail_table
from fhir_server.store.versions import StaleWrite

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from fhir_server.store.versions import Write

_TYPES: dict[str, Any] = {
    "id": Text,
    "version": Integer,
    "updated": BigInteger,
    "method": SmallInteger,
    "patient": Text,
    "date_low": BigInteger,
    "date_high": BigInteger,
    "rh": BigInteger,
    "h": LargeBinary,
    "v": Text,
    "body": LargeBinary,
}
Tails = dict[str, list[tuple[int, int]]]
"""The entries `(h, rid)` to be added to the tail of each resource type."""

_MOVED = ("tenant", "id", "version", "updated", "method", "body")
_LOGGED = ("tenant", "resource_type", "id", "version", "updated", "method")


def write_all(
    connection: sqlite3.Connection, tenant: int, writes: Sequence[Write], type_numbers: Mapping[str, int]
) -> None:
    """Save `writes` in the transaction that is open. Raises StaleWrite, after which it has to be rolled back."""
    refuse_twice_the_same(writes)
    tails: Tails = {}
    stale = [p for p, write in enumerate(writes) if not _write(connection, tenant, write, type_numbers, tails)]
    if stale:
        raise StaleWrite(stale)
    for resource_type, entries in tails.items():
        # In the order of the tree: a set of writes then goes through each of its pages once (half the time).
        connection.executemany(_tail(resource_type).text, sorted(entries))


def _write(
    connection: sqlite3.Connection, tenant: int, write: Write, type_numbers: Mapping[str, int], tails: Tails
) -> bool:
    """Save one version; return whether the version expected was there."""
    resource_type = write.version.resource_type
    hashes = write.index.hashes if write.index else ()
    values = values_of(write, tenant)
    values |= {"tenant": tenant, "resource_type": type_numbers[resource_type]}
    values["h"] = array("q", hashes).tobytes() if write.index else None
    save = _replace if write.expected else _create
    added = save(connection, resource_type, hashes, values)
    if added is None:
        return False
    tails.setdefault(resource_type, []).extend(added)
    _run(connection, _log(), values)
    return True


def _create(
    connection: sqlite3.Connection, resource_type: str, hashes: Iterable[int], values: dict[str, Any]
) -> list[tuple[int, int]] | None:
    """Insert the row; return what its tail adds, None where the instance exists."""
    cursor = _run(connection, _insert(resource_type), values)
    rid = cursor.lastrowid
    return [(h, rid) for h in hashes] if cursor.rowcount == 1 and rid is not None else None


def _replace(
    connection: sqlite3.Connection, resource_type: str, hashes: Iterable[int], values: dict[str, Any]
) -> list[tuple[int, int]] | None:
    """Change the row and drop what its tail no longer has; return what it adds, None where it is another version."""
    row = _run(connection, _found(resource_type), values).fetchone()
    if row is None:
        return None
    rid, before = row
    _run(connection, _keep(resource_type), {**values, "rid": rid})
    _run(connection, _update(resource_type), {**values, "rid": rid})
    old = array("q", before or b"")
    gone = set(old).difference(hashes)
    if gone:
        _run(connection, _drop(resource_type), {"rid": rid, "hashes": json_list(gone)})
    return [(h, rid) for h in set(hashes).difference(old)]


def _run(connection: sqlite3.Connection, sql: Sql, values: Mapping[str, Any]) -> sqlite3.Cursor:
    return connection.execute(sql.text, sql.parameters(values))


def _bind(name: str) -> Any:
    return bindparam(name, type_=_TYPES.get(name, Integer))


@cache
def _insert(resource_type: str) -> Sql:
    statement = insert_or_not(resource_table(resource_type)).values({n: _bind(n) for n in ("tenant", *_TYPES)})
    return sql_of(statement.on_conflict_do_nothing(), "sqlite")


@cache
def _found(resource_type: str) -> Sql:
    table = resource_table(resource_type)
    is_expected = (table.c[n] == _bind(b) for n, b in (("tenant", "tenant"), ("id", "id"), ("version", "expected")))
    return sql_of(select(table.c.rid, table.c.h).where(*is_expected), "sqlite")


@cache
def _keep(resource_type: str) -> Sql:
    table = resource_table(resource_type)
    moved = select(*(table.c[n] for n in _MOVED), _bind("updated"), _bind("resource_type"))
    into = insert(history).from_select([*_MOVED, "ended", "resource_type"], moved.where(table.c.rid == _bind("rid")))
    return sql_of(into, "sqlite")


@cache
def _update(resource_type: str) -> Sql:
    table = resource_table(resource_type)
    values = {table.c[n]: _bind(n) for n in _TYPES if n not in {"id", "rh"}}
    return sql_of(update(table).values(values).where(table.c.rid == _bind("rid")), "sqlite")


@cache
def _tail(resource_type: str) -> Sql:
    return sql_of(insert(tail_table(resource_type)).values(h=_bind("h"), rid=_bind("rid")), "sqlite")


@cache
def _drop(resource_type: str) -> Sql:
    tail = tail_table(resource_type)
    gone = select(func.json_each(_bind("hashes")).table_valued("value").c.value)
    return sql_of(delete(tail).where(tail.c.rid == _bind("rid"), tail.c.h.in_(gone)), "sqlite")


@cache
def _log() -> Sql:
    return sql_of(insert(change).values({n: _bind(n) for n in _LOGGED}), "sqlite")

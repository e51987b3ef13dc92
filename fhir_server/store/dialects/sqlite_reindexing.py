"""How entries are saved anew on SQLite: the rows that differ, and their part of the tail's table.

Runs in a unit of work, which has the one writer for itself: what was read is still so when it is written.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, LargeBinary, Text, bindparam, delete, func, insert, select, tuple_, update

from fhir_server.store.compiled import Query, Sql, sql_of
from fhir_server.store.reindexing import tail_of
from fhir_server.store.rows import json_list, json_text
from fhir_server.store.tables import resource_table, tail_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fhir_server.store.reindexing import Entries
    from fhir_server.store.unit_of_work import Session
    from fhir_server.store.versions import Indexed

_DERIVED: dict[str, Any] = {
    "h": LargeBinary,
    "v": Text,
    "patient": Text,
    "date_low": BigInteger,
    "date_high": BigInteger,
}
_ENTRIES = ("rid", "id", "version", *_DERIVED)


async def save(session: Session, tenant: int, resource_type: str, entries: Sequence[Entries]) -> None:
    """Save what differs, in two messages to the writer."""
    by_id = {e.id: e for e in entries}
    found = await session.fetch(_query(_found(resource_type), {"tenant": tenant, "ids": json_list(by_id)}))
    queries: list[Query] = []
    gone: list[tuple[int, int]] = []
    there: list[tuple[int, int]] = []
    for rid, id_, version, *saved in found:
        derived = by_id[id_]
        if derived.version != version:
            continue
        row = _row_of(derived.index)
        if list(row.values()) != saved:
            queries.append(_query(_update(resource_type), {**row, "tenant": tenant, "rid": rid}))
        there += ((h, rid) for h in derived.index.hashes)
        gone += ((h, rid) for h in set(tail_of(saved[0])).difference(derived.index.hashes))
    if gone:
        queries.append(_query(_drop(resource_type), {"pairs": json_list(gone)}))
    if there:
        queries.append(_query(_add(resource_type), {"pairs": json_list(sorted(there))}))
    if queries:
        await session.fetch_many(queries)


async def drop_strays(session: Session, tenant: int, resource_type: str, pairs: Sequence[tuple[int, int]]) -> None:
    """Drop the pairs `(h, rid)` from the tail's table that the tenant's rows still do not say."""
    rids = json_list({rid for _, rid in pairs})
    rows = await session.fetch(_query(_tails(resource_type), {"tenant": tenant, "rids": rids}))
    tails = {rid: tail_of(packed) for rid, packed in rows}
    strays = [(h, rid) for h, rid in pairs if rid in tails and h not in tails[rid]]
    await session.fetch(_query(_drop(resource_type), {"pairs": json_list(strays)}))


def _row_of(index: Indexed) -> dict[str, Any]:
    """Return the values of `_DERIVED`, in its order."""
    return {
        "h": array("q", index.hashes).tobytes(),
        "v": json_text(index.values),
        "patient": index.patient,
        "date_low": index.date_low,
        "date_high": index.date_high,
    }


def _query(sql: Sql, values: Mapping[str, Any]) -> Query:
    return Query(sql, sql.parameters(values))


def _listed(name: str) -> Any:
    return select(func.json_each(bindparam(name, type_=Text)).table_valued("value").c.value)


def _pairs() -> Any:
    value = func.json_each(bindparam("pairs", type_=Text)).table_valued("value").c.value
    return select(func.json_extract(value, "$[0]"), func.json_extract(value, "$[1]"))


def _of_tenant(table: Any) -> Any:
    return table.c.tenant == bindparam("tenant", type_=Integer)


@cache
def _found(resource_type: str) -> Sql:
    table = resource_table(resource_type)
    is_wanted = (_of_tenant(table), table.c.id.in_(_listed("ids")), table.c.body.is_not(None))
    return sql_of(select(*(table.c[name] for name in _ENTRIES)).where(*is_wanted), "sqlite")


@cache
def _update(resource_type: str) -> Sql:
    table = resource_table(resource_type)
    values: Iterable[tuple[str, Any]] = ((name, bindparam(name, type_=kind)) for name, kind in _DERIVED.items())
    is_it = (table.c.rid == bindparam("rid", type_=Integer), _of_tenant(table))
    return sql_of(update(table).values(dict(values)).where(*is_it), "sqlite")


@cache
def _tails(resource_type: str) -> Sql:
    table = resource_table(resource_type)
    return sql_of(select(table.c.rid, table.c.h).where(_of_tenant(table), table.c.rid.in_(_listed("rids"))), "sqlite")


@cache
def _add(resource_type: str) -> Sql:
    added = insert(tail_table(resource_type)).from_select(["h", "rid"], _pairs())
    return sql_of(added.prefix_with("OR IGNORE"), "sqlite")


@cache
def _drop(resource_type: str) -> Sql:
    tail = tail_table(resource_type)
    return sql_of(delete(tail).where(tuple_(tail.c.h, tail.c.rid).in_(_pairs())), "sqlite")

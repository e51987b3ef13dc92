"""Saves the search entries of versions anew: reads bodies page by page, replaces entries and makes no version.

Entries are saved only where the instance still is at the version they were derived from, so whoever writes at the
same time wins: what they saved has entries of its own.

On SQLite the tail lies in a table of its own beside the packed one of the row. What stands there without the row
saying so (a stray) would be found by searches and stop later writes; a walk along that table drops it.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, func, select, tuple_

from fhir_server.store.tables import resource_table, tail_table
from fhir_server.store.versions import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select

    from fhir_server.store.store import TenantStore
    from fhir_server.store.tables import Dialect
    from fhir_server.store.unit_of_work import Session
    from fhir_server.store.versions import Indexed

Row = tuple[Any, ...]

PAGE_BYTES = 8_000_000
"""Where a page of bodies ends before it has all its rows, as they are stored; one body is always read."""

TAIL_ROWS = 5_000
"""Rows of the tail's table that are looked at together."""

_BEFORE_ALL = (-(2**63), -1)


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries derived from that version of the instance."""

    id: str
    version: int
    index: Indexed


def page_of(resource_type: str, after: str, limit: int) -> Statement:
    """Select id, version and body of the living instances after that id: as many as `limit` and PAGE_BYTES allow."""
    return Statement(
        ("reindexing page", resource_type),
        lambda: _page(resource_type),
        {"after": after, "rows": limit, "size": PAGE_BYTES},
    )


def living(resource_type: str) -> Statement:
    """Select how many living instances there are."""
    return Statement(("reindexing count", resource_type), lambda: _living(resource_type), {})


async def save(session: Session, dialect: Dialect, tenant: int, resource_type: str, entries: Sequence[Entries]) -> None:
    """Replace the entries of those instances that still are at their version, in a fixed number of round trips."""
    if not entries:
        return
    if dialect == "sqlite":
        from fhir_server.store.dialects import sqlite_reindexing  # noqa: PLC0415 - one database is in use

        await sqlite_reindexing.save(session, tenant, resource_type, entries)
        return
    from fhir_server.store.dialects import postgresql_reindexing  # noqa: PLC0415 - loads psycopg

    await session.fetch(postgresql_reindexing.saving(tenant, resource_type, entries))


async def drop_strays(store: TenantStore, dialect: Dialect, resource_type: str) -> None:
    """Take out of the tail's table what the tenant's rows do not say (SQLite); a bounded page at a time."""
    after: tuple[int, int] | None = _BEFORE_ALL if dialect == "sqlite" else None
    while after is not None:
        rows = await store.select(_tail_after(resource_type, after))
        strays = [(h, rid) for h, rid, packed in rows if h not in tail_of(packed)]
        if strays:
            async with store.unit() as unit:
                await unit.drop_strays(resource_type, strays)
        after = rows[-1][:2] if len(rows) == TAIL_ROWS else None


async def drop_from_tail(session: Session, tenant: int, resource_type: str, pairs: Sequence[tuple[int, int]]) -> None:
    """Drop the pairs (hash, row) that the rows still do not say."""
    from fhir_server.store.dialects import sqlite_reindexing  # noqa: PLC0415 - one database is in use

    await sqlite_reindexing.drop_strays(session, tenant, resource_type, pairs)


def tail_of(packed: bytes | None) -> array[int]:
    """Return the hashes of a packed tail, of which a damaged one may end in the middle of a number."""
    whole = (packed or b"")[: len(packed or b"") // 8 * 8]
    return array("q", whole)


def _living_of(resource_type: str) -> tuple[Any, Any]:
    table = resource_table(resource_type)
    return table.c.tenant == bindparam("tenant", type_=Integer), table.c.body.is_not(None)


def _page(resource_type: str) -> Select[Any]:
    table = resource_table(resource_type)
    following = (
        select(table.c.id, func.length(table.c.body).label("size"))
        .where(*_living_of(resource_type), table.c.id > bindparam("after", type_=Text))
        .order_by(table.c.id)
        .limit(bindparam("rows", type_=Integer))
        .subquery("following")
    )
    before = func.sum(following.c.size).over(order_by=following.c.id) - following.c.size
    weighed = select(following.c.id, before.label("before")).subquery("weighed")
    joined = table.join(weighed, and_(table.c.tenant == bindparam("tenant", type_=Integer), table.c.id == weighed.c.id))
    return (
        select(table.c.id, table.c.version, table.c.body)
        .select_from(joined)
        .where(weighed.c.before < bindparam("size", type_=Integer), table.c.body.is_not(None))
        .order_by(table.c.id)
    )


def _living(resource_type: str) -> Select[Any]:
    return select(func.count()).select_from(resource_table(resource_type)).where(*_living_of(resource_type))


def _tail_after(resource_type: str, after: tuple[int, int]) -> Statement:
    h, rid = after
    values = {"h": h, "rid": rid, "rows": TAIL_ROWS}
    return Statement(("reindexing tail", resource_type), lambda: _tail(resource_type), values)


def _tail(resource_type: str) -> Select[Any]:
    tail, table = tail_table(resource_type), resource_table(resource_type)
    after = tuple_(bindparam("h", type_=BigInteger), bindparam("rid", type_=Integer))
    return (
        select(tail.c.h, tail.c.rid, table.c.h)
        .join(table, table.c.rid == tail.c.rid)
        .where(table.c.tenant == bindparam("tenant", type_=Integer), tuple_(tail.c.h, tail.c.rid) > after)
        .order_by(tail.c.h, tail.c.rid)
        .limit(bindparam("rows", type_=Integer))
    )

"""How entries are saved anew on PostgreSQL: one statement for many rows, which touches those that differ."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, Text, bindparam, cast, column, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from fhir_server.store.compiled import Query, Sql, sql_of
from fhir_server.store.dialects import postgresql_arrays as arrays
from fhir_server.store.rows import json_text
from fhir_server.store.tables import resource_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.store.reindexing import Entries

_KEY: dict[str, Any] = {"id": Text, "version": BigInteger}
_DERIVED: dict[str, Any] = {
    "h": ARRAY(BigInteger),
    "v": JSONB,
    "patient": Text,
    "date_low": BigInteger,
    "date_high": BigInteger,
}
_SENT_AS_TEXT = ("h", "v")  # An array of arrays would have to be a rectangle.


def saving(tenant: int, resource_type: str, entries: Sequence[Entries]) -> Query:
    """Return the statement that saves `entries`."""
    sql = _save(resource_type)
    indexes = [e.index for e in entries]
    values = {
        "tenant": tenant,
        "ids": arrays.text_array([e.id for e in entries]),
        "versions": arrays.bigint_array([e.version for e in entries]),
        "hs": arrays.text_array([f"{{{','.join(map(str, i.hashes))}}}" for i in indexes]),
        "vs": arrays.text_array([json_text(i.values) for i in indexes]),
        "patients": arrays.text_array([i.patient for i in indexes]),
        "date_lows": arrays.nullable_bigint_array([i.date_low for i in indexes]),
        "date_highs": arrays.nullable_bigint_array([i.date_high for i in indexes]),
    }
    return Query(sql, sql.parameters(values))


@cache
def _save(resource_type: str) -> Sql:
    table, rows = resource_table(resource_type), _rows()
    is_it = (
        table.c.tenant == bindparam("tenant", type_=Integer),
        table.c.id == rows.c.id,
        table.c.version == rows.c.version,
    )
    differing = (
        select(table.c.id)
        .where(*is_it, or_(*(table.c[name].is_distinct_from(rows.c[name]) for name in _DERIVED)))
        .order_by(table.c.id)  # Everybody locks in the same order.
        .with_for_update(of=table)
        .cte("differing")
    )
    saved = update(table).values({name: rows.c[name] for name in _DERIVED})
    return sql_of(saved.where(*is_it, rows.c.id == differing.c.id).returning(table.c.id), "postgresql")


def _rows() -> Any:
    """`unnest` of one array a column: as many rows as wanted in one statement of one shape."""
    kinds = {**_KEY, **_DERIVED}
    sent = {name: Text() if name in _SENT_AS_TEXT else kind() for name, kind in kinds.items()}
    binds = [bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in sent.items()]
    columns = [column(name, kind) for name, kind in sent.items()]
    unnested = func.unnest(*binds).table_valued(*columns, name="unnested").render_derived()
    return select(
        *(cast(unnested.c[n], kinds[n]).label(n) if n in _SENT_AS_TEXT else unnested.c[n] for n in kinds)
    ).cte("r")

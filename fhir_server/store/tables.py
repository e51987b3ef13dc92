"""The tables: one a resource type, with all that is current of an instance in one row, and the few shared ones.

A resource type's table holds the newest version: the body as served, the tail of hashes (`h`, see
`search/hashing.py`), the values compared by order or text (`v`) and the hot columns. PostgreSQL indexes the tail
with GIN; SQLite keeps it packed in `h` and, to search it, in a table of its own (`tail_table`) as `(h, rid)`.

`history` keeps the versions that were replaced, `change` every version's arrival: the outbox, and the order of
history. Both say the resource type by its number in `resource_type`.

A table object here has the columns of both databases; `schema` makes exactly those of one, and the migrations
are tested against it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

if TYPE_CHECKING:
    from collections.abc import Iterable

Dialect = Literal["sqlite", "postgresql"]

METHODS = ("POST", "PUT", "PATCH", "DELETE")
"""What the column `method` says as a number, from 1."""

_RESOURCE_TYPE = re.compile(r"[A-Z][A-Za-z]{0,63}")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_metadata = MetaData()

TAIL = ARRAY(BigInteger).with_variant(LargeBinary(), "sqlite")
VALUES = JSONB().with_variant(Text(), "sqlite")
ID = Text(collation="C").with_variant(Text(), "sqlite")
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


def table_name(resource_type: str) -> str:
    """Return the name of a resource type's table: `MedicationRequest` -> `medication_request`."""
    if not _RESOURCE_TYPE.fullmatch(resource_type):
        raise ValueError("not the name of a resource type")
    return _WORD.sub("_", resource_type).lower()


@cache
def resource_table(resource_type: str) -> Table:
    """Return the table of the resource type's newest versions."""
    return _resource_table(_metadata, resource_type, None)


@cache
def tail_table(resource_type: str) -> Table:
    """Return the table `(h, rid)` that indexes the resource type's tail on SQLite."""
    return _tail_table(_metadata, resource_type)


def _resource_table(metadata: MetaData, resource_type: str, dialect: Dialect | None) -> Table:
    name = table_name(resource_type)
    row_number = [Column("rid", Integer, primary_key=dialect == "sqlite")] if dialect != "postgresql" else []
    columns: list[Column[Any]] = [
        *row_number,
        # Fixed widths first: PostgreSQL pads between, and the hot ones are found without walking the row.
        Column("updated", BigInteger, nullable=False),
        Column("date_low", BigInteger),
        Column("date_high", BigInteger),
        Column("rh", BigInteger, nullable=False),
        Column("tenant", Integer, nullable=False),
        Column("version", Integer, nullable=False),
        Column("method", SmallInteger, nullable=False),
        Column("id", ID, nullable=False),
        Column("patient", ID),
        Column("h", TAIL),
        Column("v", VALUES),
        Column("body", LargeBinary),
    ]
    key = UniqueConstraint if dialect == "sqlite" else PrimaryKeyConstraint
    table = Table(name, metadata, *columns, key("tenant", "id"))
    if dialect is not None:
        _add_indexes(table, name, dialect)
    return table


def _add_indexes(table: Table, name: str, dialect: Dialect) -> None:
    c = table.c
    where: dict[str, Any] = {f"{d}_where": c.patient.is_not(None) for d in ("sqlite", "postgresql")}
    dated: dict[str, Any] = {f"{d}_where": c.date_low.is_not(None) for d in ("sqlite", "postgresql")}
    Index(f"{name}_patient", c.tenant, c.patient, c.date_low, **where)
    Index(f"{name}_date", c.tenant, c.date_low, **dated)
    # `search/rewrites/window.py` states the same condition, or the index is not used.
    is_wide = c.date_high - c.date_low > literal_column("86400000000")
    Index(f"{name}_wide", c.tenant, c.date_low, c.date_high, sqlite_where=is_wide, postgresql_where=is_wide)
    Index(f"{name}_updated", c.tenant, c.updated)
    if dialect == "postgresql":
        Index(f"{name}_h", c.h, postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 512})


def _tail_table(metadata: MetaData, resource_type: str) -> Table:
    return Table(
        f"{table_name(resource_type)}_ix",
        metadata,
        Column("h", BigInteger, primary_key=True, autoincrement=False),
        Column("rid", Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


def _history_table(metadata: MetaData) -> Table:
    return Table(
        "history",
        metadata,
        Column("updated", BigInteger, nullable=False),
        Column("ended", BigInteger, nullable=False, comment="when the next version replaced it"),
        Column("tenant", Integer, nullable=False),
        Column("version", Integer, nullable=False),
        Column("resource_type", SmallInteger, nullable=False),
        Column("method", SmallInteger, nullable=False),
        Column("id", ID, nullable=False),
        Column("body", LargeBinary),
        PrimaryKeyConstraint("tenant", "resource_type", "id", "version"),
    )


def _change_table(metadata: MetaData, dialect: Dialect | None = None) -> Table:
    table = Table(
        "change",
        metadata,
        # PostgreSQL: no unique constraint without the id in it, so that the table can be spread by id.
        Column("seq", ROW_NUMBER, Identity(always=False), primary_key=dialect == "sqlite", nullable=False),
        Column("updated", BigInteger, nullable=False),
        Column("tenant", Integer, nullable=False),
        Column("version", Integer, nullable=False),
        Column("resource_type", SmallInteger, nullable=False),
        Column("method", SmallInteger, nullable=False),
        Column("id", ID, nullable=False),
        sqlite_autoincrement=True,
    )
    if dialect == "postgresql":
        Index("change_seq", table.c.seq)
    Index("change_system", table.c.tenant, table.c.updated, table.c.seq)
    Index("change_type", table.c.tenant, table.c.resource_type, table.c.updated, table.c.seq)
    return table


def _tenant_table(metadata: MetaData) -> Table:
    return Table(
        "tenant",
        metadata,
        Column("key", Integer, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False, unique=True),
    )


def _resource_type_table(metadata: MetaData) -> Table:
    return Table(
        "resource_type",
        metadata,
        Column("number", SmallInteger, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False, unique=True),
    )


history = _history_table(_metadata)
change = _change_table(_metadata)
tenant = _tenant_table(_metadata)
resource_type_number = _resource_type_table(_metadata)


def schema(dialect: Dialect, resource_types: Iterable[str]) -> MetaData:
    """Return the tables exactly as that database has them once it is migrated."""
    metadata = MetaData()
    for resource_type in resource_types:
        _resource_table(metadata, resource_type, dialect)
        if dialect == "sqlite":
            _tail_table(metadata, resource_type)
    _change_table(metadata, dialect)
    for make in (_history_table, _tenant_table, _resource_type_table):
        make(metadata)
    return metadata

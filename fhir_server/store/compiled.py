"""SQL text of a select, made once a shape: SQLAlchemy Core builds it, the drivers run it.

No statement gets through without the tenant: it must have the bind `tenant`, whose value is set here and by nobody
else.

https://docs.sqlalchemy.org/en/20/core/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from sqlalchemy.sql.base import Executable
    from sqlalchemy.sql.compiler import SQLCompiler

    from fhir_server.store.tables import Dialect
    from fhir_server.store.versions import Statement

SHAPES_KEPT = 4096

# Both styles take a list: PostgreSQL one value a name, SQLite one a place, in the order of `names`.
_DIALECTS: dict[Dialect, Any] = {
    "postgresql": PGDialect_psycopg(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]
    "sqlite": SQLiteDialect_pysqlite(paramstyle="qmark"),
}


class WithoutTenant(Exception):  # noqa: N818 - it says what the statement is
    """The statement does not ask for the tenant, so it would read everybody's rows."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A compiled statement: `names` are its binds in order, `constants` those that belong to the shape.

    `bodies` are the places of its columns that hold bodies, which lie packed in the database.
    """

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    bodies: tuple[int, ...] = ()

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order of the binds. Raises KeyError for a bind nobody gave a value."""
        constants = self.constants
        return [values[n] if n in values else constants[n] for n in self.names]


@dataclass(frozen=True, slots=True)
class Query:
    """A statement ready to run. `keyed`: it finds its few rows by primary key."""

    sql: Sql
    parameters: list[Any]
    keyed: bool = False


class Compiler:
    """Compiles for one database and remembers."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self._shapes: dict[Hashable, Sql] = {}

    def query(self, statement: Statement, tenant: int) -> Query:
        """Return the statement ready to run within the tenant. Raises WithoutTenant."""
        sql = self._shapes.get(statement.shape)
        if sql is None:
            sql = self._remember(statement)
        return Query(sql, sql.parameters({**statement.values, "tenant": tenant}))

    def compile(self, executable: Executable) -> Sql:
        """Return the SQL of a statement of the store's own."""
        return sql_of(executable, self.dialect)

    def _remember(self, statement: Statement) -> Sql:
        sql = self.compile(statement.build())
        if "tenant" not in sql.names:
            raise WithoutTenant("a statement needs the bind `tenant`; see store/compiled.py")
        if len(self._shapes) >= SHAPES_KEPT:
            self._shapes.clear()
        self._shapes[statement.shape] = sql
        return sql


def sql_of(executable: Executable, dialect: Dialect) -> Sql:
    """Compile `executable` for the dialect."""
    compiled: SQLCompiler = executable.compile(dialect=_DIALECTS[dialect])  # type: ignore[attr-defined]
    if compiled.post_compile_params:
        raise TypeError("an expanding bind (`in_` with a list) changes the text with its value: pass an array")
    names = tuple(compiled.positiontup or ())
    required = {b.key for b in compiled.binds.values() if b.required}
    constants = {n: v for n, v in (compiled.params or {}).items() if n not in required}
    return Sql(str(compiled), names, constants, _bodies(executable))


def _bodies(executable: Executable) -> tuple[int, ...]:
    """Return the places of bodies among the columns selected: they are all that is binary (a tail is an array)."""
    columns = getattr(executable, "selected_columns", ())
    return tuple(place for place, c in enumerate(columns) if isinstance(c.type, LargeBinary))

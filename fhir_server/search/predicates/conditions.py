"""Conditions on a row, as frozen data: what a criterion becomes, and what becomes SQL.

A condition holds the names of its values, never the values: equal conditions are the same SQL. So a tree
of them is the *shape* a compiled statement is kept under, and is turned into SQL once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sqlalchemy import ARRAY, BigInteger, Integer, Text, and_, bindparam, false, not_, or_, select, true

from fhir_server.search import sql
from fhir_server.store.tables import resource_table, tail_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ColumnElement
    from sqlalchemy.sql import Select

RARE, USUAL, COMMON, PRESENT = 1, 2, 3, 4
"""How many rows a test is expected to leave: one to start from is better the lower its rank."""

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
Operator = Literal["=", "<", "<=", ">", ">="]


class Row:
    """A table of current resources under a name of its own in the statement that is being built."""

    def __init__(self, resource_type: str, numbers: Iterator[int] | None = None) -> None:
        self.numbers = numbers if numbers is not None else count()
        self.resource_type = resource_type
        self.table: Any = resource_table(resource_type).alias(f"r{next(self.numbers)}")

    def __getattr__(self, name: str) -> Any:
        """Return the column of that name."""
        return self.table.c[name]

    @property
    def tail(self) -> str:
        """The name of the tail table (SQLite)."""
        return tail_table(self.resource_type).name

    def other(self, resource_type: str) -> Row:
        """Return a row of another table within the same statement."""
        return Row(resource_type, self.numbers)

    def alias(self) -> str:
        """Return a name for the entries of a JSON array."""
        return f"e{next(self.numbers)}"

    def is_current(self) -> ColumnElement[bool]:
        """It is this tenant's and not deleted."""
        return and_(self.tenant == bindparam("tenant", type_=Integer), self.body.is_not(None))


class Condition(Protocol):
    """Something that holds of a row, or not."""

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        ...


class Driver(Protocol):
    """A condition that has a form an index is used for."""

    @property
    def rank(self) -> int:
        """How rare it is."""
        ...

    def as_driver(self) -> Driver:
        """Return it in that form."""
        ...

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        ...


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the conditions holds."""

    parts: tuple[Condition, ...]

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        return and_(true(), *(part.render(row) for part in self.parts))


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 - `Any` is typing's
    """At least one of the conditions holds."""

    parts: tuple[Condition, ...]

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        return or_(false(), *(part.render(row) for part in self.parts))


@dataclass(frozen=True, slots=True)
class AnyDriver:
    """At least one of the conditions holds, each of which has a form an index is used for, so all together have."""

    parts: tuple[Driver, ...]
    rank: int
    indexed: bool = False

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        return or_(false(), *(part.render(row) for part in self.parts))

    def as_driver(self) -> AnyDriver:
        """Return it in the form an index is used for."""
        return replace(self, parts=tuple(part.as_driver() for part in self.parts), indexed=True)


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    part: Condition

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        return not_(self.part.render(row))


@dataclass(frozen=True, slots=True)
class Nothing:
    """Holds of no row."""

    def render(self, _row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        return false()


@dataclass(frozen=True, slots=True)
class Hashed:
    """The tail holds the hash `bind`, or any of them where `many`; `rank` is how rare that is."""

    bind: str
    many: bool = False
    rank: int = USUAL
    indexed: bool = False

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        if self.many:
            bind = bindparam(self.bind, type_=ARRAY(BigInteger))
            return sql.HasAnyHash(row.h, row.rid, row.tail, bind, indexed=self.indexed)
        bind_one = bindparam(self.bind, type_=BigInteger)
        return sql.HasHash(row.h, row.rid, row.tail, bind_one, indexed=self.indexed)

    def as_driver(self) -> Hashed:
        """Return it in the form an index is used for."""
        return replace(self, indexed=True)


@dataclass(frozen=True, slots=True)
class Compared:
    """A column compared with a value; `rank` 0 where an index makes it a good start, None where not."""

    column: str
    operator: Operator
    bind: str
    rank: int | None = None

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        target = getattr(row, self.column)
        found: ColumnElement[bool] = OPERATORS[self.operator](target, bindparam(self.bind, type_=target.type))
        return found


@dataclass(frozen=True, slots=True)
class Given:
    """A column has a value."""

    column: str

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        found: ColumnElement[bool] = getattr(row, self.column).is_not(None)
        return found


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text column is one of many values."""

    column: str
    bind: str
    rank: int | None = 0

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        return sql.AnyOf(getattr(row, self.column), bindparam(self.bind, type_=ARRAY(Text)))


def current(row: Row, condition: Condition, *columns: Any) -> Select[Any]:
    """Return the select of `columns` (not deleted, this tenant's) where the condition holds of `row`."""
    return select(*columns).select_from(row.table).where(row.is_current(), condition.render(row))

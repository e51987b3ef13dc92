"""Conditions on the entries of the column `v`: what is compared by order or by text, also as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sqlalchemy import and_, bindparam, false, not_, or_, true

from fhir_server.search import sql
from fhir_server.search.predicates.conditions import OPERATORS, Operator

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from fhir_server.search.predicates.conditions import Row


class EntryCondition(Protocol):
    """Something that holds of an entry of `v`, or not."""

    def render_entry(self, row: Row, alias: str) -> ColumnElement[bool]:
        """Return the SQL of it for the entry called `alias`."""
        ...


@dataclass(frozen=True, slots=True)
class FieldIs:
    """A field of an entry (`index` None: the entry itself) compared with a value."""

    index: int | None
    kind: Literal["text", "integer", "number"]
    operator: Operator | Literal["begins", "holds"]
    bind: str

    def render_entry(self, _row: Row, alias: str) -> ColumnElement[bool]:
        """Return the SQL of it for the entry called `alias`."""
        field = sql.Field(alias, self.index, self.kind)
        bind: Any = bindparam(self.bind, type_=sql.FIELD_TYPES[self.kind])
        if self.operator == "begins":
            return sql.BeginsWith(field, bind)
        if self.operator == "holds":
            return sql.Holds(field, bind)
        found: ColumnElement[bool] = OPERATORS[self.operator](field, bind)
        return found


@dataclass(frozen=True, slots=True)
class Near:
    """An entry [latitude, longitude] lies within `radius` metres; the binds are degrees, `reach` the greatest
    haversine (the square of the sine of half the angle) that is still near enough.
    """

    latitude: str
    longitude: str
    reach: str

    def render_entry(self, _row: Row, alias: str) -> ColumnElement[bool]:
        """Return the SQL of it for the entry called `alias`."""
        bounds: list[Any] = [
            bindparam(name, type_=sql.FIELD_TYPES["number"]) for name in (self.latitude, self.longitude)
        ]
        fields = [sql.Field(alias, index, "number") for index in (0, 1)]
        return sql.Haversine(*fields, *bounds) <= bindparam(self.reach, type_=sql.FIELD_TYPES["number"])


@dataclass(frozen=True, slots=True)
class AllTests:
    """Every one of the tests holds of the entry."""

    parts: tuple[EntryCondition, ...]

    def render_entry(self, row: Row, alias: str) -> ColumnElement[bool]:
        """Return the SQL of it for the entry called `alias`."""
        return and_(true(), *(part.render_entry(row, alias) for part in self.parts))


@dataclass(frozen=True, slots=True)
class AnyTest:
    """At least one of the tests holds of the entry."""

    parts: tuple[EntryCondition, ...]

    def render_entry(self, row: Row, alias: str) -> ColumnElement[bool]:
        """Return the SQL of it for the entry called `alias`."""
        return or_(false(), *(part.render_entry(row, alias) for part in self.parts))


@dataclass(frozen=True, slots=True)
class NoTest:
    """The test does not hold of the entry."""

    part: EntryCondition

    def render_entry(self, row: Row, alias: str) -> ColumnElement[bool]:
        """Return the SQL of it for the entry called `alias`."""
        return not_(self.part.render_entry(row, alias))


@dataclass(frozen=True, slots=True)
class Part:
    """Some entry of the list at `index` of the entry (a composite's part) fulfils the test."""

    index: int
    test: EntryCondition

    def render_entry(self, row: Row, alias: str) -> ColumnElement[bool]:
        """Return the SQL of it for the entry called `alias`."""
        inner = row.alias()
        return sql.AnyEntry(sql.Entry(alias), self.index, inner, self.test.render_entry(row, inner))


@dataclass(frozen=True, slots=True)
class SomeEntry:
    """Some entry at `key` of the column v fulfils the test."""

    key: str
    test: EntryCondition

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        alias = row.alias()
        return sql.AnyEntry(row.v, self.key, alias, self.test.render_entry(row, alias))

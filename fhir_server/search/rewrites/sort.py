"""`_sort`: what each key is read from, and the place in that order after which a page goes on.

Missing values come last, ascending and descending (R4 leaves it open). Where a parameter has several values,
the least counts ascending, the greatest descending; of a range (a Period, a Range) it is the start that counts.
Equal keys are ordered by id, in the direction of the last key, so the order is total.

https://hl7.org/fhir/R4/search.html#sort
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import and_, bindparam, false, or_, tuple_

from fhir_server.search import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from fhir_server.search.predicates.binds import Binds
    from fhir_server.search.predicates.conditions import Row
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import SortKey

Kind = Literal["text", "integer"]


@dataclass(frozen=True, slots=True)
class Term:
    """One key of the order: a column, or (`column` "") what the entries at `keys` of v hold at `index`."""

    descending: bool
    column: str = ""
    keys: tuple[str, ...] = ()
    index: int | None = None
    kind: Kind = "text"
    nullable: bool = True

    def render(self, row: Row) -> Any:
        """Return the SQL of the key."""
        if self.column:
            return getattr(row, self.column)
        field = sql.Field(row.alias(), self.index, self.kind)
        return sql.LeastEntry(row.v, self.keys, field, greatest=self.descending)


@dataclass(frozen=True, slots=True)
class After:
    """The last row of the page before: the binds of its keys, None for a missing one; the last is its id."""

    binds: tuple[str | None, ...]


def terms_of(keys: Sequence[SortKey], scope: Scope) -> tuple[Term, ...]:
    """Return the terms of `_sort`; the id, which makes the order total, is always the last."""
    terms = [_term(key, scope) for key in keys if key.parameter.code != "_id"]
    by_id = next((key.descending for key in keys if key.parameter.code == "_id"), None)
    if by_id is None:
        by_id = terms[-1].descending if terms else False
    else:
        terms = terms[: next(n for n, key in enumerate(keys) if key.parameter.code == "_id")]
    return (*terms, Term(by_id, column="id", nullable=False))


def _term(key: SortKey, scope: Scope) -> Term:
    parameter, descending = key.parameter, key.descending
    if parameter.code == "_lastUpdated":
        return Term(descending, column="updated", kind="integer", nullable=False)
    if scope.is_main_date(parameter):
        return Term(descending, column="date_low", kind="integer")
    codes = key.made_of or (parameter.code,)
    match parameter.type:
        case "date":
            return Term(descending, keys=codes, index=0, kind="integer")
        case "number" | "quantity":
            return Term(descending, keys=codes, index=0)
        case "string":
            return Term(descending, keys=codes)
        case _:
            return Term(descending, keys=tuple(f"~{code}" for code in codes))


def after_of(values: Sequence[Any] | None, binds: Binds) -> After | None:
    """Return the place after the row with these keys."""
    if values is None:
        return None
    return After(tuple(None if value is None else binds.add(value) for value in values))


def order_by(terms: Sequence[Term], row: Row) -> list[Any]:
    """Return the ORDER BY, missing values last."""
    order: list[Any] = []
    for term in terms:
        key = term.render(row)
        directed = key.desc() if term.descending else key.asc()
        order.append(directed.nulls_last() if term.nullable else directed)
    return order


def is_after(terms: Sequence[Term], after: After, row: Row) -> ColumnElement[bool]:
    """Return the condition that a row comes after `after`: beyond it in one key, equal in all before."""
    if len({term.descending for term in terms}) == 1 and not any(term.nullable for term in terms):
        return _row_beyond(terms, after, row)
    ways: list[ColumnElement[bool]] = []
    for n, term in enumerate(terms):
        equals = [_equal(t, bind, row) for t, bind in zip(terms[:n], after.binds, strict=False)]
        ways.append(and_(*equals, _beyond(term, after.binds[n], row)))
    return or_(false(), *ways)


def _row_beyond(terms: Sequence[Term], after: After, row: Row) -> ColumnElement[bool]:
    """Compare all at once: both databases follow an index by this form, by the longer one neither does."""
    keys = [term.render(row) for term in terms]
    places = [_bind(term, str(bind)) for term, bind in zip(terms, after.binds, strict=True)]
    if len(keys) == 1:
        only: ColumnElement[bool] = keys[0] < places[0] if terms[0].descending else keys[0] > places[0]
        return only
    return tuple_(*keys) < tuple_(*places) if terms[0].descending else tuple_(*keys) > tuple_(*places)


def _equal(term: Term, bind: str | None, row: Row) -> ColumnElement[bool]:
    key = term.render(row)
    found: ColumnElement[bool] = key.is_(None) if bind is None else key == _bind(term, bind)
    return found


def _beyond(term: Term, bind: str | None, row: Row) -> ColumnElement[bool]:
    if bind is None:
        return false()
    key, place = term.render(row), _bind(term, bind)
    beyond: ColumnElement[bool] = key < place if term.descending else key > place
    return or_(beyond, term.render(row).is_(None)) if term.nullable else beyond


def _bind(term: Term, name: str) -> Any:
    return bindparam(name, type_=sql.FIELD_TYPES[term.kind])

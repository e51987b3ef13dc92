"""From a Query to SQL: a statement's shape is built once, its values are bound anew with each call.

The order is by the keys of `_sort` (see `rewrites/sort.py`: missing values last), then by id; ids made here begin
with the time, so without `_sort` it is the order of creation. A page goes on after the keys of the last row
of the one before, so what others write neither repeats nor hides a row. Deleted instances match nothing.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard

from sqlalchemy import Integer, and_, bindparam, func, literal_column, select, true, union_all

from fhir_server.search import sql
from fhir_server.search.predicates.binds import Binds
from fhir_server.search.predicates.conditions import All, AnyDriver, Condition, Given, Not, Row
from fhir_server.search.predicates.criterion import condition_of
from fhir_server.search.predicates.driving import asks_for_date, driven
from fhir_server.search.predicates.hashes import any_hash
from fhir_server.search.predicates.scope import Scope
from fhir_server.search.rewrites import compartment, window
from fhir_server.search.rewrites.chain import Leads
from fhir_server.search.rewrites.has import IsPointedTo
from fhir_server.search.rewrites.sort import After, Term, after_of, is_after, order_by, terms_of
from fhir_server.store.versions import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.sql import Select

    from fhir_server.search.query import Query

COLUMNS = 4
"""How many columns come before the sort keys: id, version, updated, body."""


@dataclass(frozen=True, slots=True)
class Shape:
    """All of a page's statement but its values."""

    resource_type: str
    condition: Condition
    terms: tuple[Term, ...]
    after: After | None = None
    missing_only: bool = False


def compile_search(
    query: Query,
    tenant_key: int,
    dialect: str,
    *,
    after: Sequence[Any] | None = None,
    limit: int,
) -> Statement:
    """Return the select of a page: id, version, updated, body, then the keys of `_sort` and the id again.

    `after` are those last columns of the row the page before ended with.
    """
    scope = Scope(query.resource_type, Binds(dialect, tenant_key))
    condition = _condition(query, scope)
    terms = terms_of(query.sort, scope)
    shape = Shape(query.resource_type, condition, terms, after_of(after, scope.binds))
    build = _build_by_date if _is_by_hot_date(terms) else _build_page
    return Statement(("page", shape), partial(build, shape), {**scope.binds.values, "limit": limit})


def compile_count(
    query: Query,
    tenant_key: int,
    dialect: str,
    *,
    limit: int | None = None,
) -> Statement:
    """Return the select of how many match, counting no further than `limit`."""
    scope = Scope(query.resource_type, Binds(dialect, tenant_key))
    condition = _condition(query, scope)
    values = dict(scope.binds.values)
    if limit is not None:
        values["limit"] = limit
    build = partial(_build_count, query.resource_type, condition, limited=limit is not None)
    return Statement(("count", query.resource_type, condition, limit is not None), build, values)


def compile_matches(query: Query, tenant_key: int, dialect: str, *, limit: int = 2) -> Statement:
    """Return the select of at most `limit` matches of the criteria alone: id, version, updated, body, id."""
    return compile_search(replace(query, sort=(), includes=()), tenant_key, dialect, limit=limit)


def compile_pointing(
    resource_type: str, hashes: Iterable[int], tenant_key: int, dialect: str, *, limit: int
) -> Statement:
    """Return the select of what has any of the hashes in its tail (`_revinclude`)."""
    scope = Scope(resource_type, Binds(dialect, tenant_key))
    condition = any_hash(hashes, scope, 0).as_driver()
    shape = Shape(resource_type, condition, (Term(descending=False, column="id", nullable=False),))
    return Statement(("page", shape), partial(_build_page, shape), {**scope.binds.values, "limit": limit})


def _condition(query: Query, scope: Scope) -> Condition:
    conditions = [condition_of(criterion, scope) for criterion in query.criteria]
    if query.compartment is not None:
        conditions.append(compartment.condition(query.compartment, scope))
    return driven(All(tuple(conditions)), pair=scope.binds.dialect == "postgresql")


def _is_by_hot_date(terms: Sequence[Term]) -> bool:
    return len(terms) == 2 and terms[0].column == "date_low"  # noqa: PLR2004 - the date, and the id


def _build_page(shape: Shape, row: Row | None = None) -> Select[Any]:
    row = row or Row(shape.resource_type)
    keys = [term.render(row).label(f"k{n}") for n, term in enumerate(shape.terms)]
    beyond = is_after(shape.terms, shape.after, row) if shape.after else true()
    order = order_by(shape.terms, row)
    if len(order) == 1 and _is_driven_by_subquery(shape.condition):
        order = [sql.Unindexed(row.id).desc() if shape.terms[0].descending else sql.Unindexed(row.id)]
    return (
        select(row.id, row.version, row.updated, row.body, *keys)
        .select_from(row.table)
        .where(row.is_current(), shape.condition.render(row), beyond)
        .order_by(*order)
        .limit(bindparam("limit", type_=Integer))
    )


def _is_driven_by_subquery(condition: Condition) -> bool:
    """Whether the planner cannot know how few rows the start leaves; the order by id must not lure it away."""
    return isinstance(condition, All) and any(_is_subquery(part) and part.indexed for part in condition.parts)


def _is_subquery(part: Condition) -> TypeGuard[Leads | IsPointedTo | AnyDriver]:
    if isinstance(part, AnyDriver):
        return any(map(_is_subquery, part.parts))
    return isinstance(part, (Leads, IsPointedTo))


def _build_by_date(shape: Shape) -> Select[Any]:
    """Order by the hot date in two runs, dated rows and then those without, so that its index gives the order.

    The second run starts only when the first has not filled the page; there is none where a date is asked for.
    """
    by_date, by_id = shape.terms
    after = shape.after
    dated = replace(
        shape, condition=All((Given("date_low"), shape.condition)), terms=(replace(by_date, nullable=False), by_id)
    )
    dateless = replace(shape, condition=All((Not(Given("date_low")), shape.condition)), terms=(by_date, by_id))
    first = Row(shape.resource_type)
    second = first.other(shape.resource_type)
    if after is not None and after.binds[0] is None:
        return _build_dateless(dateless, by_id, first)
    if windows := _halves(shape.condition):
        return _build_window([replace(dated, condition=one) for one in windows], (first, second))
    if asks_for_date(shape.condition):
        return _build_page(dated, first)
    runs = [
        _build_page(dated, first).subquery(),
        _build_dateless(replace(dateless, after=None), by_id, second).subquery(),
    ]
    both = union_all(*(select(run) for run in runs)).subquery()
    return select(both).limit(bindparam("limit", type_=Integer))


def _halves(condition: Condition) -> list[Condition]:
    """Return the condition once for each half of the window of dates in it, nothing where there is none."""
    parts = condition.parts if isinstance(condition, All) else ()
    for n, part in enumerate(parts):
        if found := window.halves(part):
            return [All((*parts[:n], half, *parts[n + 1 :])) for half in found]
    return []


def _build_window(shapes: Sequence[Shape], rows: Sequence[Row]) -> Select[Any]:
    """Order narrow and wide dates each by their index, and then both."""
    by_date, by_id = shapes[0].terms
    runs = [_build_page(shape, row).subquery() for shape, row in zip(shapes, rows, strict=True)]
    both = union_all(*(select(run) for run in runs)).subquery()
    order = [both.c.k0.desc() if by_date.descending else both.c.k0, both.c.k1.desc() if by_id.descending else both.c.k1]
    return select(both).order_by(*order).limit(bindparam("limit", type_=Integer))


def _build_dateless(shape: Shape, by_id: Term, row: Row) -> Select[Any]:
    after = After(shape.after.binds[1:]) if shape.after else None
    beyond = is_after((by_id,), after, row) if after else true()
    return (
        select(row.id, row.version, row.updated, row.body, row.date_low.label("k0"), row.id.label("k1"))
        .select_from(row.table)
        .where(row.is_current(), shape.condition.render(row), beyond)
        .order_by(*order_by((by_id,), row))
        .limit(bindparam("limit", type_=Integer))
    )


def _build_count(resource_type: str, condition: Condition, *, limited: bool) -> Select[Any]:
    row = Row(resource_type)
    where = and_(row.is_current(), condition.render(row))
    if not limited:
        return select(func.count()).select_from(row.table).where(where)
    found: Select[Any] = (
        select(literal_column("1")).select_from(row.table).where(where).limit(bindparam("limit", type_=Integer))
    )
    return select(func.count()).select_from(found.subquery())

"""One page of matches: of one type with one select, of several types one after another or merged by `_sort`.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from fhir_server.search.compiler import COLUMNS, compile_count, compile_search
from fhir_server.search.totals import counts_up_to, is_count_only, total_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.interactions.context import Context
    from fhir_server.search.query import Query
    from fhir_server.store.versions import Statement

AT_ONCE = 16
"""How many types a system search looks through in one round trip, until the page is full."""

BEFORE_ALL_IDS, AFTER_ALL_IDS = "", "~"
"""Texts below and above every id."""


@dataclass(frozen=True, slots=True)
class Found:
    """A match. `number` is its type's place among those searched, `keys` its sort keys and, last, its id."""

    number: int
    resource_type: str
    id: str
    body: bytes
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page goes on: after the row with `keys` of the type `number`; `total` as counted with the first page."""

    total: int | None
    number: int
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The matches of a page, where the next one begins (None: this is the last), and the total if it is known."""

    matches: Sequence[Found]
    next: Position | None
    total: int | None


async def page_of(queries: Sequence[Query], position: Position | None, context: Context) -> Page:
    """Return the page at `position` of the matches of `queries`, which differ only in their type."""
    first = queries[0]
    if is_count_only(first):
        return Page((), None, await _count(queries, None, context))
    matches, counted = await _matches_and_count(queries, position, context)
    more = len(matches) > first.count
    matches = matches[: first.count]
    up_to = counts_up_to(first)
    if position is not None:
        total = position.total
    elif counted is not None or up_to == 0:
        total = counted
    elif more:
        total = total_of(await _count(queries, up_to, context), up_to)
    else:
        total = len(matches)
    following = Position(total, matches[-1].number, matches[-1].keys) if more else None
    return Page(matches, following, total)


async def _matches_and_count(
    queries: Sequence[Query], position: Position | None, context: Context
) -> tuple[list[Found], int | None]:
    """Return at least one match more than the page takes, where there are; and the total if all are to be counted."""
    if len(queries) == 1:
        statements = [_select(queries[0], position.keys if position else None, context)]
        if position is None and counts_up_to(queries[0]) is None:
            statements.append(_counting(queries[0], None, context))
        answers = await context.store.select_many(statements)
        return _found(0, queries[0], answers[0]), answers[1][0][0] if len(answers) > 1 else None
    counted = None
    if position is None and counts_up_to(queries[0]) is None:
        counted = await _count(queries, None, context)
    merged = _merged if queries[0].sort else _one_after_another
    return await merged(queries, position, context), counted


async def _one_after_another(queries: Sequence[Query], position: Position | None, context: Context) -> list[Found]:
    matches: list[Found] = []
    start = position.number if position else 0
    for first in range(start, len(queries), AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, len(queries)))
        statements = [
            _select(queries[n], position.keys if position and n == position.number else None, context) for n in numbers
        ]
        for n, rows in zip(numbers, await context.store.select_many(statements), strict=True):
            matches += _found(n, queries[n], rows)
        if len(matches) > queries[0].count:
            break
    return matches


async def _merged(queries: Sequence[Query], position: Position | None, context: Context) -> list[Found]:
    """Return the first matches of all types in the order of `_sort`, then by type, then by id."""
    statements = [_select(query, _after(n, query, position), context) for n, query in enumerate(queries)]
    answers = await context.store.select_many(statements)
    matches = [one for n, rows in enumerate(answers) for one in _found(n, queries[n], rows)]
    return sorted(matches, key=_order(queries[0]))[: queries[0].count + 1]


def _after(number: int, query: Query, position: Position | None) -> tuple[Any, ...] | None:
    """Return where the type `number` goes on: of equal keys, the types before are through, those after begin."""
    if position is None or number == position.number:
        return position.keys if position else None
    is_through = number < position.number
    ends = AFTER_ALL_IDS, BEFORE_ALL_IDS
    return (*position.keys[:-1], ends[is_through == _ids_descend(query)])


def _ids_descend(query: Query) -> bool:
    by_id = [key for key in query.sort if key.parameter.code == "_id"]
    return (by_id or query.sort)[-1 if not by_id else 0].descending


def _order(query: Query) -> Any:
    directions = [key.descending for key in query.sort]

    def compare(one: Found, other: Found) -> int:
        for descending, a, b in zip(directions, one.keys[:-1], other.keys[:-1], strict=False):
            if a != b:
                if a is None or b is None:
                    return 1 if a is None else -1
                return 1 if (a > b) != descending else -1
        if one.number != other.number:
            return one.number - other.number
        return 1 if (one.id > other.id) != _ids_descend(query) else -1

    return cmp_to_key(compare)


def _select(query: Query, after: Sequence[Any] | None, context: Context) -> Statement:
    parts = context.parts
    return compile_search(
        query,
        context.tenant.key,
        parts.store.dialect,
        after=after,
        limit=query.count + 1,
    )


def _counting(query: Query, up_to: int | None, context: Context) -> Statement:
    parts, limit = context.parts, None if up_to is None else up_to + 1
    return compile_count(query, context.tenant.key, parts.store.dialect, limit=limit)


async def _count(queries: Sequence[Query], up_to: int | None, context: Context) -> int:
    answers = await context.store.select_many([_counting(query, up_to, context) for query in queries])
    return sum(rows[0][0] for rows in answers)


def _found(number: int, query: Query, rows: Sequence[Sequence[Any]]) -> list[Found]:
    return [Found(number, query.resource_type, row[0], row[3], tuple(row[COLUMNS:])) for row in rows]

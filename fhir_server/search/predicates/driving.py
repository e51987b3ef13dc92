"""Which of several conditions the database starts from: a few rules, no statistics.

A condition on a hot column (`_id`, the patient) needs no help. Otherwise the test of the tail that is expected
to leave the fewest rows is put into the form an index is used for, all others are plain filters, so a code that half
the rows have is never read out of the index. Where only such codes are asked for, the planner, which
knows how frequent each is, may choose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from fhir_server.search.predicates.conditions import (
    COMMON,
    USUAL,
    All,
    Any_,
    AnyDriver,
    Compared,
    Condition,
    Given,
    OneOf,
)
from fhir_server.search.rewrites.window import EndsAfter, windowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fhir_server.search.predicates.conditions import Driver


def driven(condition: Condition, *, pair: bool = False) -> Condition:
    """Return the condition with its best start, or two of equal rank where `pair`, in the form for an index."""
    parts = windowed(list(_flat(condition)))
    ranks = {n: part.rank for n, part in enumerate(parts) if _is_driver(part)}
    columns = [p.rank for p in parts if isinstance(p, (Compared, OneOf)) and p.rank is not None]
    best = min(ranks.values(), default=None)
    if best is None or min(columns, default=best + 1) <= min(best, USUAL):
        return All(tuple(parts))
    chosen = [n for n, rank in ranks.items() if rank == best][: 2 if pair and best < COMMON else 1]
    for n in chosen:
        part = parts[n]
        if _is_driver(part):
            parts[n] = part.as_driver()
    return All(tuple(parts))


def best_rank(condition: Condition) -> int | None:
    """Return the rank of the best start the condition has, None where it has none."""
    ranks = [
        p.rank for p in _flat(condition) if (_is_driver(p) or isinstance(p, (Compared, OneOf))) and p.rank is not None
    ]
    return min(ranks, default=None)


def asks_for_date(condition: Condition) -> bool:
    """Whether only rows with a main date can fulfil the condition."""
    match condition:
        case Compared(column=column):
            return column in {"date_low", "date_high"}
        case Given(column="date_low") | EndsAfter():
            return True
        case All(parts=parts):
            return any(asks_for_date(part) for part in parts)
        case Any_(parts=parts):
            return bool(parts) and all(asks_for_date(part) for part in parts)
    return False


def any_of(conditions: Sequence[Condition]) -> Condition:
    """Return the condition that any of these holds, a driver where each of them is one."""
    if len(conditions) == 1:
        return conditions[0]
    drivers = [one for one in conditions if _is_driver(one)]
    if len(drivers) < len(conditions):
        return Any_(tuple(conditions))
    return AnyDriver(tuple(drivers), max(one.rank for one in drivers))


def _is_driver(condition: Condition) -> TypeGuard[Driver]:
    return hasattr(condition, "as_driver")


def _flat(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _flat(part)
    else:
        yield condition

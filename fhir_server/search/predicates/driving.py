"""Which of several conditions the database starts from: a few rules, no statistics.

A condition on a hot column (`_id`, the patient) needs no help. Otherwise the test of the tail that is expected
to leave the fewest rows is put into the form an index is used for, all others are plain filters, so a code that half
the rows have is never read out of the index. Where only such codes are asked for, the planner, which
knows how frequent each is, may choose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates.conditions import COMMON, USUAL, All, Compared, Condition, Driver, OneOf

if TYPE_CHECKING:
    from collections.abc import Iterator


def driven(condition: Condition, *, pair: bool = False) -> Condition:
    """Return the condition with its best start, or two of equal rank where `pair`, in the form for an index."""
    parts = list(_flat(condition))
    ranks = {n: part.rank for n, part in enumerate(parts) if isinstance(part, Driver)}
    columns = [p.rank for p in parts if isinstance(p, (Compared, OneOf)) and p.rank is not None]
    best = min(ranks.values(), default=None)
    if best is None or min(columns, default=best + 1) <= min(best, USUAL):
        return All(tuple(parts))
    chosen = [n for n, rank in ranks.items() if rank == best][: 2 if pair and best < COMMON else 1]
    for n in chosen:
        part = parts[n]
        if isinstance(part, Driver):
            parts[n] = part.as_driver()
    return All(tuple(parts))


def best_rank(condition: Condition) -> int | None:
    """Return the rank of the best start the condition has, None where it has none."""
    ranks = [p.rank for p in _flat(condition) if isinstance(p, (Driver, Compared, OneOf)) and p.rank is not None]
    return min(ranks, default=None)


def _flat(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, All):
        for part in condition.parts:
            yield from _flat(part)
    else:
        yield condition

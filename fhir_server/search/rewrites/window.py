"""Main dates that end after a time, in a form an index is used for.

Only where a main date begins is indexed, for all rows. Nearly all are narrow (a day at most), so what ends after
`x` begins after `x` less a day; the wide ones have an index of their own:

    date_high > x  =  date_low > x - WIDTH and date_high > x, or
                      date_high - date_low > WIDTH and date_high > x

An upper bound beside it (`date=ge2024&date=lt2025`) is taken into both halves, where the planner sees how few rows
lie between. Where a better start stands beside it (the patient, an id, a day), `date_high > x` is a plain filter.

https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import BigInteger, and_, bindparam, literal_column, not_, or_

from fhir_server.search.predicates.conditions import Compared, Condition, OneOf, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from fhir_server.search.predicates.scope import Scope

WIDTH = 86_400_000_000
"""The microseconds of a day. It stands in the condition of the index, and so as it is in the SQL."""


@dataclass(frozen=True, slots=True)
class EndsAfter:
    """The main date ends after the bind `end`; `floor` is that less WIDTH. `before` are its other bounds.

    `half` is one of the two halves alone.
    """

    end: str
    floor: str
    before: tuple[Compared, ...] = ()
    half: Literal["", "narrow", "wide"] = ""

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        bounds: list[Any] = [row.date_high > bindparam(self.end, type_=BigInteger)]
        bounds += [one.render(row) for one in self.before]
        is_wide: Any = row.date_high - row.date_low > literal_column(str(WIDTH))
        narrow = and_(row.date_low > bindparam(self.floor, type_=BigInteger), *bounds)
        match self.half:
            case "narrow":
                return and_(not_(is_wide), narrow)
            case "wide":
                return and_(is_wide, *bounds)
            case _:
                return or_(narrow, and_(is_wide, *bounds))


def ends_after(end: int, scope: Scope) -> EndsAfter:
    """Return the condition that the main date ends after `end`."""
    return EndsAfter(scope.binds.add(end), scope.binds.add(end - WIDTH))


def windowed(parts: Sequence[Condition]) -> list[Condition]:
    """Return conditions that must all hold with one `EndsAfter` at most, with the upper bounds beside it in it."""
    first = next((part for part in parts if isinstance(part, EndsAfter)), None)
    if first is None:
        return list(parts)
    others = [_plain(part) if isinstance(part, EndsAfter) else part for part in parts if part is not first]
    if any(_is_better(part) for part in others):
        return [_plain(first), *others]
    before = [part for part in others if _is_upper_bound(part)]
    window = replace(first, before=tuple(part for part in before if isinstance(part, Compared)))
    return [window, *(part for part in others if part not in before)]


def halves(part: Condition) -> tuple[Condition, Condition] | None:
    """Return a window as its two halves, which have no row in common; None for any other condition."""
    if not isinstance(part, EndsAfter):
        return None
    return replace(part, half="narrow"), replace(part, half="wide")


def _plain(part: EndsAfter) -> Compared:
    return Compared("date_high", ">", part.end)


def _is_better(part: Condition) -> bool:
    if isinstance(part, (Compared, OneOf)) and part.rank == 0:
        return True
    return isinstance(part, Compared) and part.column == "date_low" and part.operator in {">", ">="}


def _is_upper_bound(part: Condition) -> bool:
    return isinstance(part, Compared) and part.column == "date_low" and part.operator in {"<", "<="}

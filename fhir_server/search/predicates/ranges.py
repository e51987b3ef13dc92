"""What the nine prefixes ask of a range [tl, th], the same for numbers, quantities and dates.

The comparisons are those written in `search/types/number.py` and `search/types/date.py`.

https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fhir_server.search.predicates.conditions import Operator
from fhir_server.search.predicates.entries import AllTests, AnyTest, EntryCondition, FieldIs, NoTest

if TYPE_CHECKING:
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.types.values import DateValue, NumberValue, QuantityValue

LOW, HIGH = 0, 1
"""Where an entry keeps the ends of its range."""

Comparison = tuple[int, Operator, Literal["low", "high"]]
"""An end of the target (LOW, HIGH) compared with an end of the value."""

_CONTAINED: tuple[Comparison, Comparison] = ((LOW, ">=", "low"), (HIGH, "<=", "high"))


def comparisons(prefix: str, *, dates: bool) -> tuple[tuple[Comparison, ...], ...]:
    """Return what `prefix` asks as an OR of ANDs; `ne` as `eq`, for the caller to negate.

    A date's range is half-open on both sides. A number's target is a point (or a closed range): one that is
    the value's exclusive end is outside of it.
    """
    equal: tuple[Comparison, ...] = ((LOW, ">=", "low"), (HIGH, "<=" if dates else "<", "high"))
    ways: dict[str, tuple[tuple[Comparison, ...], ...]] = {
        "eq": (equal,),
        "ne": (equal,),
        "gt": (((HIGH, ">", "high"),),),
        "lt": (((LOW, "<", "low"),),),
        "ge": (((HIGH, ">", "high"),), _CONTAINED),
        "le": (((LOW, "<", "low"),), _CONTAINED),
        "sa": (((LOW, ">=" if dates else ">", "high"),),),
        "eb": (((HIGH, "<=" if dates else "<", "low"),),),
        "ap": (((LOW, "<" if dates else "<=", "high"), (HIGH, ">" if dates else ">=", "low")),),
    }
    return ways[prefix]


def entry_test(value: DateValue | NumberValue | QuantityValue, scope: Scope, *, dates: bool) -> EntryCondition:
    """Return the test of an entry [low, high, …] that the value's prefix asks for."""
    ends = {"low": scope.binds.add(value.low), "high": scope.binds.add(value.high)}
    kind: Literal["integer", "text"] = "integer" if dates else "text"
    ways = tuple(
        AllTests(tuple(FieldIs(end, kind, operator, ends[bound]) for end, operator, bound in way))
        for way in comparisons(value.prefix, dates=dates)
    )
    found: EntryCondition = AnyTest(ways) if len(ways) > 1 else ways[0]
    return NoTest(found) if value.prefix == "ne" else found

"""Date criteria, on the hot columns where the parameter is the type's main date, and `_lastUpdated`.

https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates.binds import padded
from fhir_server.search.predicates.conditions import USUAL, All, Any_, Compared, Condition, Given, Not
from fhir_server.search.predicates.entries import AnyTest, EntryCondition, SomeEntry
from fhir_server.search.predicates.ranges import LOW, comparisons, entry_test
from fhir_server.search.rewrites.window import ends_after
from fhir_server.search.types.values import DateValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion

INSTANT = 1000
"""How many microseconds an instant in milliseconds covers: `updated` stands for [updated, updated + 1000)."""


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    code = criterion.parameter.code
    values = padded(sorted((v for v in criterion.values if isinstance(v, DateValue)), key=lambda v: v.prefix))
    if code == "_lastUpdated":
        return _some([_on_updated(v, scope) for v in values])
    if scope.is_main_date(criterion.parameter):
        return _some([_on_columns(v, scope) for v in values])
    return SomeEntry(code, AnyTest(tuple(of_entry(v, scope) for v in values)))


def of_entry(value: DateValue, scope: Scope) -> EntryCondition:
    """Return the test of one entry [low, high]."""
    return entry_test(value, scope, dates=True)


def _on_updated(value: DateValue, scope: Scope) -> Condition:
    """Return the condition on `updated`, an instant: its width is taken off the value, so the index serves."""
    ends = {"low": value.low, "high": value.high}

    def place(end: int, bound: str) -> tuple[str, str]:
        return "updated", scope.binds.add(ends[bound] - (0 if end == LOW else INSTANT))

    return _on_range(value, place)


def _on_columns(value: DateValue, scope: Scope) -> Condition:
    """Return the condition on `date_low` and `date_high`; main dates have one range at most, so it is exact."""
    ends = {"low": scope.binds.add(value.low), "high": scope.binds.add(value.high)}

    def place(end: int, bound: str) -> tuple[str, str]:
        return "date_low" if end == LOW else "date_high", ends[bound]

    found = _on_range(value, place)
    match value.prefix:  # What is added is implied, and lets an index serve: no range is empty.
        case "ne":
            return All((Given("date_low"), found))
        case "eq":
            return All((found, Compared("date_low", "<", ends["high"], rank=USUAL)))
        case "gt":
            return ends_after(value.high, scope)
        case "ge":
            return All((found, ends_after(value.low, scope)))
        case "ap":
            return All((Compared("date_low", "<", ends["high"]), ends_after(value.low, scope)))
        case "le":
            return All((found, Compared("date_low", "<", ends["high"])))
        case "eb":
            return All((found, Compared("date_low", "<", ends["low"])))
        case _:
            return found


def _on_range(value: DateValue, place: Callable[[int, str], tuple[str, str]]) -> Condition:
    ways = []
    for way in comparisons(value.prefix, dates=True):
        tests = []
        for end, operator, bound in way:
            column, bind = place(end, bound)
            tests.append(Compared(column, operator, bind, rank=USUAL if value.prefix == "eq" else None))
        ways.append(All(tuple(tests)))
    return Not(_some(ways)) if value.prefix == "ne" else _some(ways)


def _some(ways: list[Condition] | list[All]) -> Condition:
    return ways[0] if len(ways) == 1 else Any_(tuple(ways))

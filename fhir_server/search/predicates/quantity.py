"""Quantity criteria: a number's comparison, and the unit.

https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates.binds import padded
from fhir_server.search.predicates.entries import AllTests, AnyTest, EntryCondition, FieldIs, SomeEntry
from fhir_server.search.predicates.ranges import entry_test
from fhir_server.search.types.values import QuantityValue

if TYPE_CHECKING:
    from fhir_server.search.predicates.conditions import Condition
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion

SYSTEM, CODE, UNIT = 2, 3, 4
"""Where an entry keeps its unit."""


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    values = sorted((v for v in criterion.values if isinstance(v, QuantityValue)), key=_shape)
    return SomeEntry(criterion.parameter.code, AnyTest(tuple(of_entry(v, scope) for v in padded(values))))


def of_entry(value: QuantityValue, scope: Scope) -> EntryCondition:
    """Return the test of one entry [low, high, system, code, unit]."""
    number = entry_test(value, scope, dates=False)
    if value.code is None and value.system is None:
        return number
    code = scope.binds.add(value.code or "")
    is_code = FieldIs(CODE, "text", "=", code)
    if value.system is None:
        return AllTests((number, AnyTest((is_code, FieldIs(UNIT, "text", "=", code)))))
    system = FieldIs(SYSTEM, "text", "=", scope.binds.add(value.system))
    return AllTests((number, system, is_code)) if value.code is not None else AllTests((number, system))


def _shape(value: QuantityValue) -> tuple[str, bool, bool]:
    return value.prefix, value.system is None, value.code is None

"""Number criteria.

https://hl7.org/fhir/R4/search.html#number
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates.binds import padded
from fhir_server.search.predicates.entries import AnyTest, EntryCondition, SomeEntry
from fhir_server.search.predicates.ranges import entry_test
from fhir_server.search.types.values import NumberValue

if TYPE_CHECKING:
    from fhir_server.search.predicates.conditions import Condition
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    values = sorted((v for v in criterion.values if isinstance(v, NumberValue)), key=lambda v: v.prefix)
    return SomeEntry(criterion.parameter.code, AnyTest(tuple(of_entry(v, scope) for v in padded(values))))


def of_entry(value: NumberValue, scope: Scope) -> EntryCondition:
    """Return the test of one entry [low, high]."""
    return entry_test(value, scope, dates=False)

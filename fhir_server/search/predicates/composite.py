"""Composite criteria: parts that must hold of one and the same element.

https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.search.predicates import date, number, quantity, string
from fhir_server.search.predicates.binds import padded
from fhir_server.search.predicates.conditions import USUAL, All, Condition
from fhir_server.search.predicates.entries import AllTests, AnyTest, EntryCondition, FieldIs, Part, SomeEntry
from fhir_server.search.predicates.hashes import any_hash
from fhir_server.search.types import composite
from fhir_server.search.types.values import (
    CompositeValue,
    DateValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)

if TYPE_CHECKING:
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion

SYSTEM, CODE = 0, 1
"""Where a token's entry keeps them."""

HASHED = (TokenValue, ReferenceValue, UriValue)


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    code, tenant_key = criterion.parameter.code, scope.binds.tenant_key
    values = [v for v in criterion.values if isinstance(v, CompositeValue)]
    if all(isinstance(part, HASHED) for value in values for part in value.parts):
        return any_hash((h for v in values for h in composite.wanted(tenant_key, code, v)), scope, USUAL)
    exact = SomeEntry(code, AnyTest(tuple(_element_test(v, scope) for v in padded(sorted(values, key=_shape)))))
    narrowing = [composite.narrowing(tenant_key, code, v) for v in values]
    if not all(narrowing):
        return exact
    return All((any_hash((h for hashes in narrowing for h in hashes), scope, USUAL), exact))


def _element_test(value: CompositeValue, scope: Scope) -> EntryCondition:
    return AllTests(tuple(Part(n, _part_test(part, scope)) for n, part in enumerate(value.parts)))


def _part_test(part: Any, scope: Scope) -> EntryCondition:
    match part:
        case NumberValue():
            return number.of_entry(part, scope)
        case QuantityValue():
            return quantity.of_entry(part, scope)
        case DateValue():
            return date.of_entry(part, scope)
        case StringValue():
            return string.of_entry(part, scope)
        case TokenValue():
            return _token_test(part, scope)
        case ReferenceValue():
            return AnyTest(tuple(FieldIs(None, "text", "=", scope.binds.add(text)) for text in padded(part.references)))
        case _:
            return FieldIs(None, "text", "=", scope.binds.add(part.uri))


def _token_test(value: TokenValue, scope: Scope) -> EntryCondition:
    """Return the test of an entry [system, code]; a value names one of them at least."""
    named = ((SYSTEM, value.system), (CODE, value.code))
    return AllTests(
        tuple(FieldIs(place, "text", "=", scope.binds.add(text)) for place, text in named if text is not None)
    )


def _shape(value: CompositeValue) -> str:
    """Return what puts values of like SQL beside each other, so that their order makes no new shape."""
    return repr([_shape_of(part) for part in value.parts])


def _shape_of(part: Any) -> tuple[str, str, bool, bool]:
    unit = getattr(part, "system", None), getattr(part, "code", None)
    return type(part).__name__, getattr(part, "prefix", ""), unit[0] is None, unit[1] is None

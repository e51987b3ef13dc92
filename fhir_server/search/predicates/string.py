"""String criteria: begins with, `:exact`, `:contains`.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fhir_server.search.predicates.binds import padded
from fhir_server.search.predicates.conditions import RARE, All, Condition
from fhir_server.search.predicates.entries import AnyTest, FieldIs, SomeEntry
from fhir_server.search.predicates.hashes import any_hash
from fhir_server.search.types import string
from fhir_server.search.types.values import StringValue

if TYPE_CHECKING:
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    code, tenant_key, values = criterion.parameter.code, scope.binds.tenant_key, _strings(criterion)
    if criterion.modifier == "exact":
        return any_hash((h for v in values for h in string.wanted_exact(tenant_key, code, v)), scope, RARE)
    if criterion.modifier == "contains":
        return SomeEntry(code, AnyTest(tuple(of_entry(v, scope, "holds") for v in padded(values))))
    begins = texts_begin(code, criterion, scope)
    narrowing = [string.narrowing(tenant_key, code, v) for v in values]
    if not all(narrowing):  # A value too short to narrow by: any row may match it.
        return begins
    return All((any_hash((h for hashes in narrowing for h in hashes), scope, RARE), begins))


def texts_begin(key: str, criterion: Criterion, scope: Scope) -> Condition:
    """Return the condition that a text at `key` of v begins with any of the values."""
    return SomeEntry(key, AnyTest(tuple(of_entry(v, scope) for v in padded(_strings(criterion)))))


def of_entry(value: StringValue, scope: Scope, operator: Literal["begins", "holds"] = "begins") -> FieldIs:
    """Return the test of one folded text."""
    return FieldIs(None, "text", operator, scope.binds.add(value.folded))


def _strings(criterion: Criterion) -> list[StringValue]:
    return [v for v in criterion.values if isinstance(v, StringValue)]

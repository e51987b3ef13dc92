"""Token criteria: `code`, `system|code`, `|code`, `system|`, `:not`, `:text`, `:of-type`, and `_id`.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates import string
from fhir_server.search.predicates.conditions import COMMON, RARE, USUAL, Compared, Condition, Not, OneOf
from fhir_server.search.predicates.hashes import any_hash
from fhir_server.search.types import token
from fhir_server.search.types.values import OfTypeValue, TokenValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion

COMMON_CODES = frozenset(
    {
        "active", "category", "class", "clinical-status", "criticality", "deceased", "experimental", "gender",
        "intent", "kind", "language", "mode", "outcome", "priority", "publish-status", "severity", "stage", "state",
        "status", "type", "use", "verification-status", "_security", "address-use", "appointment-type", "part-status",
        "participant-status", "code-value-concept", "derived", "abstract", "instantiates", "is-active", "lifecycle",
    }
)  # fmt: skip
"""Parameters with few different values: a test to start from only where there is no better one."""

RARE_CODES = frozenset({"identifier", "email", "phone", "telecom", "group-identifier", "accession", "value"})
"""Parameters whose values nearly name the resource."""


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    code = criterion.parameter.code
    if criterion.modifier == "text":
        return string.texts_begin(f"{code}:text", criterion, scope)
    values = [v for v in criterion.values if isinstance(v, (TokenValue, OfTypeValue))]
    if code == "_id":
        return _has_id([v.code or "" for v in values if isinstance(v, TokenValue)], criterion.modifier, scope)
    if criterion.modifier == "identifier":
        code = f"{code}:identifier"
    hashes = (h for value in values for h in hashes_of(scope.binds.tenant_key, code, value))
    found = any_hash(hashes, scope, _rank(code, values))
    return Not(found) if criterion.modifier == "not" else found


def hashes_of(tenant_key: int, code: str, value: TokenValue | OfTypeValue) -> tuple[int, ...]:
    """Return the hashes any of which a resource with this value has."""
    if isinstance(value, OfTypeValue):
        return token.wanted_of_type(tenant_key, code, value)
    return token.wanted(tenant_key, code, value)


def _has_id(ids: list[str], modifier: str, scope: Scope) -> Condition:
    found: Condition
    if len(ids) == 1:
        found = Compared("id", "=", scope.binds.add(ids[0]), rank=0)
    else:
        found = OneOf("id", scope.binds.add_all(sorted(set(ids))))
    return Not(found) if modifier == "not" else found


def _rank(code: str, values: Iterable[TokenValue | OfTypeValue]) -> int:
    if code in COMMON_CODES or any(isinstance(v, TokenValue) and v.code is None for v in values):
        return COMMON
    return RARE if code in RARE_CODES or code.endswith(":identifier") else USUAL

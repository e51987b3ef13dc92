"""Uri criteria: exact, `:below`, `:above`.

https://hl7.org/fhir/R4/search.html#uri
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates.conditions import COMMON, RARE, Condition
from fhir_server.search.predicates.hashes import any_hash
from fhir_server.search.types import uri
from fhir_server.search.types.values import UriValue

if TYPE_CHECKING:
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion

COMMON_CODES = frozenset({"_profile", "_source"})
"""Uris that many resources share."""


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    code = criterion.parameter.code
    values = (v for v in criterion.values if isinstance(v, UriValue))
    hashes = (h for v in values for h in uri.wanted(scope.binds.tenant_key, code, v, criterion.modifier))
    return any_hash(hashes, scope, COMMON if code in COMMON_CODES or criterion.modifier == "below" else RARE)

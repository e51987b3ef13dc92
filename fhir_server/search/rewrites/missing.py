"""`:missing`: whether the parameter has any value at all.

https://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.hashing import presence
from fhir_server.search.predicates.conditions import PRESENT, All, Any_, Condition, Hashed, Not, Nothing
from fhir_server.search.types.values import MissingValue

if TYPE_CHECKING:
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion

ON_EVERY_ROW = frozenset({"_id", "_lastUpdated"})
"""Parameters that are columns: no row is without them."""


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row; both answers at once (`true,false`) ask nothing."""
    asked = {v.missing for v in criterion.values if isinstance(v, MissingValue)}
    code = criterion.parameter.code
    if code in ON_EVERY_ROW:
        return All(()) if False in asked else Nothing()
    present = Hashed(scope.binds.add(presence(scope.binds.tenant_key, code)), rank=PRESENT)
    ways: list[Condition] = [Not(present) if missing else present for missing in sorted(asked)]
    return ways[0] if len(ways) == 1 else Any_(tuple(ways))

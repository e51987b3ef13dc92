"""Compartments: what belongs to a Patient, Encounter, Practitioner, RelatedPerson or Device.

A type that the compartment's definition does not name finds nothing, never everything.

https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.hashing import identity, reference_entry
from fhir_server.search.predicates.conditions import RARE, Condition, Nothing
from fhir_server.search.predicates.hashes import any_hash

if TYPE_CHECKING:
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import CompartmentLimit


def condition(limit: CompartmentLimit, scope: Scope) -> Condition:
    """Return the condition that the row belongs to the compartment."""
    tenant_key, owner = scope.binds.tenant_key, f"{limit.code}/{limit.id}"
    wanted = [reference_entry(tenant_key, parameter.code, owner) for parameter in limit.parameters]
    if limit.is_self:  # A row's own identity is in its tail.
        wanted.append(identity(tenant_key, owner))
    return any_hash(wanted, scope, RARE) if wanted else Nothing()

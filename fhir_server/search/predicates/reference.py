"""Reference criteria: `Patient/1`, an id, a url; on the hot column where that says the same.

https://hl7.org/fhir/R4/search.html#reference
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates import token
from fhir_server.search.predicates.conditions import RARE, USUAL, Compared, Condition, OneOf
from fhir_server.search.predicates.hashes import any_hash
from fhir_server.search.types import reference
from fhir_server.search.types.values import ReferenceValue

if TYPE_CHECKING:
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Criterion

SHARED = ("Organization/", "Practitioner/", "PractitionerRole/", "Location/", "Medication/", "Device/", "http")
"""References that many resources share."""


def condition(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion asks of a row."""
    if criterion.modifier == "identifier":
        return token.condition(criterion, scope)
    code = criterion.parameter.code
    values = [v for v in criterion.values if isinstance(v, ReferenceValue)]
    references = sorted({text for v in values for text in v.references})
    if scope.is_hot_patient(criterion.parameter):
        ids = _patient_ids(references)
        if ids is not None:
            return _of_patients(ids, scope)
    hashes = (h for v in values for h in reference.wanted(scope.binds.tenant_key, code, v))
    return any_hash(hashes, scope, USUAL if any(text.startswith(SHARED) for text in references) else RARE)


def _patient_ids(references: list[str]) -> list[str] | None:
    """Return the ids where all the references are plain ones to patients."""
    ids = [text.partition("/")[2] for text in references if text.startswith("Patient/")]
    return ids if len(ids) == len(references) and not any("/" in id_ for id_ in ids) else None


def _of_patients(ids: list[str], scope: Scope) -> Condition:
    if len(ids) == 1:
        return Compared("patient", "=", scope.binds.add(ids[0]), rank=0)
    return OneOf("patient", scope.binds.add_all(ids))

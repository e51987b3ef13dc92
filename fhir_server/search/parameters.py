"""Which search parameters there are for each resource type, and what is known of them before any search.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.spec.definitions import SearchComponent, SearchParameter
    from fhir_server.spec.packages import Definitions

UNLIKE_REFERENCES = frozenset({"_id", "_lastUpdated"})
"""Parameters answered from columns every row has: nothing of them is in the index."""

MAIN_DATES: Mapping[str, str] = MappingProxyType(
    {
        "AllergyIntolerance": "date",
        "ChargeItem": "occurrence",
        "Claim": "created",
        "ClaimResponse": "created",
        "Communication": "sent",
        "Condition": "onset-date",
        "Contract": "issued",
        "CoverageEligibilityRequest": "created",
        "CoverageEligibilityResponse": "created",
        "DeviceRequest": "event-date",
        "ExplanationOfBenefit": "created",
        "Goal": "start-date",
        "ImagingStudy": "started",
        "Media": "created",
        "MedicationAdministration": "effective-time",
        "MedicationDispense": "whenhandedover",
        "MedicationRequest": "authoredon",
        "MedicationStatement": "effective",
        "NutritionOrder": "datetime",
        "Patient": "birthdate",
        "PaymentNotice": "created",
        "PaymentReconciliation": "created",
        "Person": "birthdate",
        "Provenance": "recorded",
        "QuestionnaireResponse": "authored",
        "RelatedPerson": "birthdate",
        "ServiceRequest": "authored",
        "Slot": "start",
        "Specimen": "collected",
        "Task": "authored-on",
        "VisionPrescription": "datewritten",
    }
)
"""The parameter whose values lie in the columns `date_low` and `date_high`, where it is not `date`."""

_SWAPPED = ("DocumentReference", "relationship")
"""R4 exchanged the expressions of the two components of this one."""


class SearchParameters:
    """The search parameters of the definitions, by resource type and code."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.resource_types = frozenset(definitions.resource_types)
        self._by_type: dict[str, dict[str, SearchParameter]] = {name: {} for name in definitions.resource_types}
        for parameter in sorted(definitions.search_parameters, key=lambda p: p.url):
            if _is_searchable(parameter):
                for base in self._concrete(parameter.base):
                    self._by_type[base].setdefault(parameter.code, _corrected(parameter))

    def of(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """Return all parameters of a type by code, those of every resource (`_id`, `_tag` …) included."""
        return self._by_type.get(resource_type, {})

    def get(self, resource_type: str, code: str) -> SearchParameter | None:
        """Return one parameter, or None where the type has none of that code."""
        return self._by_type.get(resource_type, {}).get(code)

    def targets(self, parameter: SearchParameter) -> tuple[str, ...]:
        """Return the resource types a reference parameter may point to; all of them where it says `Resource`."""
        if not parameter.targets or "Resource" in parameter.targets:
            return self.definitions.resource_types
        return tuple(name for name in parameter.targets if name in self.resource_types)

    def components(self, resource_type: str, parameter: SearchParameter) -> tuple[SearchParameter, ...]:
        """Return the parameters a composite is made of, each with the expression of its part on the element."""
        return tuple(self._component(resource_type, parameter, c) for c in parameter.components)

    def _component(self, resource_type: str, parameter: SearchParameter, part: SearchComponent) -> SearchParameter:
        found = self.get(resource_type, part.definition)
        if found is None:
            raise LookupError(f"{parameter.code} of {resource_type} is made of {part.definition}, which is unknown")
        return replace(found, expression=part.expression)

    def main_date(self, resource_type: str) -> SearchParameter | None:
        """Return the date parameter whose bounds are the columns `date_low` and `date_high`."""
        found = self.get(resource_type, MAIN_DATES.get(resource_type, "date"))
        return found if found and found.type == "date" else None

    def _concrete(self, bases: tuple[str, ...]) -> tuple[str, ...]:
        if "Resource" in bases:
            return self.definitions.resource_types
        if "DomainResource" in bases:
            is_subtype = self.definitions.is_subtype
            return tuple(name for name in self.definitions.resource_types if is_subtype(name, "DomainResource"))
        return tuple(base for base in bases if base in self.resource_types)


def _is_searchable(parameter: SearchParameter) -> bool:
    """Whether there is something to evaluate, and it is no example (two of those come with R4's core package)."""
    return bool(parameter.expression) and not parameter.url.rpartition("/")[2].startswith("example")


def _corrected(parameter: SearchParameter) -> SearchParameter:
    if (parameter.base[0], parameter.code) != _SWAPPED:
        return parameter
    first, second = parameter.components
    swapped = replace(first, expression=second.expression), replace(second, expression=first.expression)
    return replace(parameter, components=swapped)

"""Where a criterion is compiled: the type it stands on, the values collected, what the hot columns say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from fhir_server.search.parameters import MAIN_DATES

if TYPE_CHECKING:
    from fhir_server.search.parameters import SearchParameters
    from fhir_server.search.predicates.binds import Binds
    from fhir_server.spec.definitions import SearchParameter

OF_PATIENT = ".where(resolve() is Patient)"


@dataclass(frozen=True, slots=True)
class Scope:
    """`resource_type` is the type of the row that is looked at.

    Without `parameters` the column `patient` is not used: the hashes say the same.
    """

    resource_type: str
    binds: Binds
    parameters: SearchParameters | None = None

    def on(self, resource_type: str) -> Scope:
        """Return the same scope on another type (a step of a chain)."""
        return replace(self, resource_type=resource_type)

    def is_main_date(self, parameter: SearchParameter) -> bool:
        """Whether the columns `date_low` and `date_high` are the parameter's one range."""
        return parameter.type == "date" and parameter.code == MAIN_DATES.get(self.resource_type, "date")

    def is_hot_patient(self, parameter: SearchParameter) -> bool:
        """Whether the column `patient` says all that the parameter says of patients."""
        if self.parameters is None:
            return False
        return parameter.code in hot_codes(self.parameters, self.resource_type)


@cache
def hot_codes(parameters: SearchParameters, resource_type: str) -> frozenset[str]:
    """Return the codes of the parameters that read the same element as the one behind the column `patient`."""
    hot = parameters.patient(resource_type)
    if hot is None:
        return frozenset()
    element = _element(parameters, hot, resource_type)
    return frozenset(
        parameter.code
        for parameter in parameters.of(resource_type).values()
        if parameter.type == "reference" and _element(parameters, parameter, resource_type) == element
    )


def _element(parameters: SearchParameters, parameter: SearchParameter, resource_type: str) -> str:
    return parameters.definitions.expression_for(parameter, resource_type).removesuffix(OF_PATIENT)

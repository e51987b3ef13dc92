"""Where a criterion is compiled: the type it stands on, the values collected, what the hot columns say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fhir_server.search.columns import MAIN_DATES, PATIENTS

if TYPE_CHECKING:
    from fhir_server.search.predicates.binds import Binds
    from fhir_server.spec.definitions import SearchParameter


@dataclass(frozen=True, slots=True)
class Scope:
    """`resource_type` is the type of the row that is looked at."""

    resource_type: str
    binds: Binds

    def on(self, resource_type: str) -> Scope:
        """Return the same scope on another type (a step of a chain)."""
        return replace(self, resource_type=resource_type)

    def is_main_date(self, parameter: SearchParameter) -> bool:
        """Whether the columns `date_low` and `date_high` are the parameter's one range."""
        return parameter.type == "date" and parameter.code == MAIN_DATES.get(self.resource_type, "date")

    def is_hot_patient(self, parameter: SearchParameter) -> bool:
        """Whether the column `patient` says all that the parameter says of patients."""
        return parameter.code in PATIENTS.get(self.resource_type, ())

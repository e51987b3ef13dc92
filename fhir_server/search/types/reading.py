"""What a type module is handed to read a value: the parameter as asked for, and what it may need to know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fhir_server.kernel.errors import BadRequest

if TYPE_CHECKING:
    from fhir_server.search.parameters import SearchParameters
    from fhir_server.spec.definitions import SearchParameter


@dataclass(frozen=True, slots=True)
class Reading:
    """One parameter of a query while its values are read.

    `name` is what the client wrote (`subject:Patient.name`), `searched` the type it was asked of,
    `resource_type` the type on which `parameter` stands; `now` is in microseconds since the epoch.
    """

    parameters: SearchParameters
    parameter: SearchParameter
    resource_type: str
    modifier: str
    name: str
    searched: str
    now: int
    base_url: str = ""

    def of(self, part: SearchParameter) -> Reading:
        """Return the reading of a part of this composite."""
        return replace(self, parameter=part, modifier="")

    def refusal(self, text: str, why: str) -> BadRequest:
        """Return the refusal of the value `text`, naming parameter and value."""
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        return BadRequest(f"{self.name}={shown}: {why}", expression=f"{self.searched}?{self.name}")


_SHOWN = 100

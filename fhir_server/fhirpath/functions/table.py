"""Every function by its name.

http://hl7.org/fhirpath/N1/#functions
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath.functions import (
    components,
    conversion,
    existence,
    fhir,
    filtering,
    mathematics,
    precision,
    subsetting,
    text,
    utility,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.fhirpath.functions.definition import Function

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        **existence.FUNCTIONS,
        **filtering.FUNCTIONS,
        **subsetting.FUNCTIONS,
        **conversion.FUNCTIONS,
        **text.FUNCTIONS,
        **mathematics.FUNCTIONS,
        **precision.FUNCTIONS,
        **components.FUNCTIONS,
        **utility.FUNCTIONS,
        **fhir.FUNCTIONS,
    }
)

"""Every function by its name.

http://hl7.org/fhirpath/N1/#functions
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fhir_server.fhirpath.functions import existence, fhir, filtering, subsetting, utility
from fhir_server.fhirpath.functions.definition import Function

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        **existence.FUNCTIONS,
        **filtering.FUNCTIONS,
        **subsetting.FUNCTIONS,
        **utility.FUNCTIONS,
        **fhir.FUNCTIONS,
    }
)

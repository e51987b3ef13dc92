"""XML as FHIR writes it, read into the same dict as JSON and written from it, for every type.

    <Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>
    {"resourceType": "Patient", "active": true}

Read by `spec.xml_reading`, written by `spec.xml_writing`; a DOCTYPE, and with it any entity, is refused.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.spec.xml_reading import Reading
from fhir_server.spec.xml_writing import Writing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.spec.packages import Definitions


def decode_xml(data: bytes, definitions: Definitions, *, max_depth: int = 64) -> dict[str, Any]:
    """Return the resource in `data`. Raises Malformed with line, column and FHIR path."""
    return Reading(data, definitions, max_depth).resource()


def encode_xml(resource: Mapping[str, Any], definitions: Definitions, *, pretty: bool = False) -> bytes:
    """Return the resource as XML in UTF-8, its elements in the order of the definition.

    The resource is one the server holds or made; ValueError where it is not as its definition says.
    """
    return Writing(definitions, pretty=pretty).document(resource)

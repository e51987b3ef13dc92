"""The `reference` search parameter type.

https://hl7.org/fhir/R4/search.html#reference

Written for each reference: identity("Patient/1") XOR mask(code), see `search/hashing.py`.
The text is `Type/id` for a relative reference and for an absolute one under this server's base url;
otherwise the url itself (`urn:uuid:…` too). A versioned reference is written with and without its version,
a canonical with and without `|version`. References into `contained` are not written.
A Reference that only has an `identifier` is found by `:identifier`: token hashes under `code + ":identifier"`.
Presence is written for both. References cannot be sorted by (no text of them is kept).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.hashing import reference_entry

if TYPE_CHECKING:
    from fhir_server.search.types.values import ReferenceValue


def wanted(tenant_key: int, code: str, value: ReferenceValue) -> tuple[int, ...]:
    """Return the hashes any of which a matching resource has."""
    return tuple(reference_entry(tenant_key, code, reference) for reference in value.references)

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

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_server.search.hashing import reference_entry
from fhir_server.search.types import token
from fhir_server.search.types.escapes import unescape
from fhir_server.search.types.values import ReferenceValue, TokenValue

if TYPE_CHECKING:
    from fhir_server.search.types.reading import Reading


def wanted(tenant_key: int, code: str, value: ReferenceValue) -> tuple[int, ...]:
    """Return the hashes any of which a matching resource has."""
    return tuple(reference_entry(tenant_key, code, reference) for reference in value.references)


def parse(reading: Reading, text: str) -> ReferenceValue | TokenValue:
    """Read `id`, `Type/id`, `Type/id/_history/version` or an absolute url; for `:identifier` a token."""
    if reading.modifier == "identifier":
        value = token.parse(replace(reading, modifier=""), text)
        if not isinstance(value, TokenValue):  # pragma: no cover - without a modifier it always is
            raise TypeError(text)
        return value
    return ReferenceValue(_references(reading, text, unescape(text)))


_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TYPED = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")


def _references(reading: Reading, text: str, plain: str) -> tuple[str, ...]:
    if reading.base_url and plain.startswith(f"{reading.base_url}/"):
        plain = plain[len(reading.base_url) + 1 :]
    if ":" in plain:
        if any(c.isspace() for c in plain):
            raise reading.refusal(text, "a url holds no white space")
        return (plain,)
    if typed := _TYPED.fullmatch(plain):
        return _typed(reading, text, typed)
    if not _ID.fullmatch(plain):
        raise reading.refusal(text, "a reference is written id, Type/id or as an absolute url")
    types = (reading.modifier,) if reading.modifier else reading.parameters.targets(reading.parameter)
    return tuple(f"{resource_type}/{plain}" for resource_type in types)


def _typed(reading: Reading, text: str, typed: re.Match[str]) -> tuple[str, ...]:
    resource_type = typed[1]
    if resource_type not in reading.parameters.resource_types:
        raise reading.refusal(text, f"{resource_type} is not a type of resource")
    if reading.modifier and resource_type != reading.modifier:
        raise reading.refusal(text, f"the parameter asks for a {reading.modifier}, the value for a {resource_type}")
    return (typed[0],)

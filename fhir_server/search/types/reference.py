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
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fhir_server.search.hashing import reference_entry
from fhir_server.search.types import token
from fhir_server.search.types.escapes import unescape
from fhir_server.search.types.values import ReferenceValue, TokenValue
from fhir_server.spec.canonical import split
from fhir_server.spec.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.types.entries import Entries
    from fhir_server.search.types.reading import Reading
    from fhir_server.spec.reference import Reference


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


def _references(reading: Reading, text: str, plain: str) -> tuple[str, ...]:
    named = parse_reference(plain, reading.base_url)
    if named.kind == "local" and not named.fragment:
        return _typed(reading, text, named)
    if ":" in plain and not any(c.isspace() for c in plain):
        return (plain,)
    if not _ID.fullmatch(plain):
        raise reading.refusal(text, "a reference is written id, Type/id or as an absolute url")
    targets = reading.parameters.targets(reading.parameter, reading.resource_type)
    types = (reading.modifier,) if reading.modifier else targets
    return tuple(f"{resource_type}/{plain}" for resource_type in types)


def _typed(reading: Reading, text: str, named: Reference) -> tuple[str, ...]:
    resource_type = named.resource_type
    if resource_type not in reading.parameters.resource_types:
        raise reading.refusal(text, f"{resource_type} is not a type of resource")
    if reading.modifier and resource_type != reading.modifier:
        raise reading.refusal(text, f"the parameter asks for a {reading.modifier}, the value for a {resource_type}")
    return (_local_texts(named)[-1],)


def _local_texts(named: Reference) -> tuple[str, ...]:
    """Return `Type/id` and, of a versioned reference, that with its version."""
    return (named.identity, f"{named.identity}/_history/{named.version}") if named.version else (named.identity,)


@dataclass(frozen=True, slots=True)
class Found:
    """A reference as found in a resource: the texts it is found by, the type it points to, its identifier."""

    texts: tuple[str, ...] = ()
    resource_type: str = ""
    identifier: tuple[token.Token, ...] = ()


def found(type_name: str, value: Any, base_url: str = "") -> Iterable[Found]:
    """Return the references of an element's value: a Reference, a canonical or uri, a resource in place."""
    if isinstance(value, str):
        return (_by_text(value, "", base_url),) if value[:1] != "#" else ()
    if not isinstance(value, dict):
        return ()
    if type_name != "Reference":
        kind, name = value.get("resourceType"), value.get("id")
        return (Found((f"{kind}/{name}",), kind),) if kind and name else ()
    text, declared = value.get("reference", ""), value.get("type", "")
    one = _by_text(text, declared, base_url) if text and text[:1] != "#" else Found(resource_type=declared)
    if value.get("identifier"):
        one = replace(one, identifier=tuple(token.found("Identifier", value["identifier"])))
    return (one,) if one.texts or one.identifier else ()


def write(entries: Entries, code: str, references: Iterable[Found], target: str = "") -> None:
    """Write the entries of parameter `code`; with `target` only of references to that type."""
    kept = [one for one in references if not target or one.resource_type == target]
    for one in kept:
        for text in one.texts:
            entries.hashes.add(reference_entry(entries.tenant_key, code, text))
        for identifier in one.identifier:
            for form in identifier.forms:
                entries.add(f"{code}:identifier", "t", form)
    if kept:
        entries.mark_present(code)


def _by_text(text: str, declared: str, base_url: str) -> Found:
    named = parse_reference(text, base_url)
    if named.kind == "local":
        return Found(_local_texts(named), named.resource_type)
    if named.version:
        return Found((text.partition("/_history/")[0], text), named.resource_type)
    plain, version = split(text)
    return Found((text, plain) if version else (text,), named.resource_type or declared)

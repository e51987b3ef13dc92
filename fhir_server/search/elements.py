"""What the definitions say, before any resource is seen, of the elements a search expression selects.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_server.spec.definitions import Element
    from fhir_server.spec.packages import Definitions

_PATH = re.compile(r"[A-Z]\w*(\.\w+)*")
_CONDITION = re.compile(r"\.where\((?:[^()]|\([^()]*\))*\)$")
RESOLVES_TO = re.compile(r"(.+)\.where\(resolve\(\) is (\w+)\)")
"""How R4 narrows a reference parameter to one type: the reference, and the type."""

NAMED_SYSTEMS = {
    "http://hl7.org/fhir/ValueSet/mimetypes": "urn:ietf:bcp:13",
    "http://hl7.org/fhir/ValueSet/all-languages": "urn:ietf:bcp:47",
    "http://hl7.org/fhir/ValueSet/languages": "urn:ietf:bcp:47",
    "http://hl7.org/fhir/ValueSet/currencies": "urn:iso:std:iso:4217",
}
"""The systems of the value sets that are too large to list: each implies its system for every code."""

_AS = re.compile(r"\((.+) as (\w+)\)|(.+)\.(?:as|ofType)\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Selected:
    """The element a plain path leads to: its possible types, whether there is at most one of it, its binding.

    `targets` are the types of resource it may point to, empty where it is free or no reference.
    """

    types: tuple[str, ...]
    is_single: bool
    value_set: str
    targets: tuple[str, ...] = ()


def selected_by(part: str, definitions: Definitions) -> Selected | None:
    """Return what one part of an expression (no `|` in it) selects, None where it is no plain path.

    Understood are `A.b.c`, `A.b.where(…)`, `(A.b as C)`, `A.b.as(C)`.
    """
    path, wanted = _CONDITION.sub("", part.strip()), ""
    if typed := _AS.fullmatch(path):
        path, wanted = typed[1] or typed[3], typed[2] or typed[4]
    if not _PATH.fullmatch(path):
        return None
    head, *names = path.split(".")
    found = _walk(head, names, definitions)
    if found is None:
        return None
    element, is_single = found
    types = (wanted,) if wanted else tuple(one.code for one in element.types)
    value_set = element.binding.value_set.partition("|")[0] if element.binding else ""
    if element.binding and element.binding.strength != "required" and value_set not in NAMED_SYSTEMS:
        value_set = ""
    resolved = RESOLVES_TO.fullmatch(part)
    targets = (resolved[2],) if resolved else tuple(one for type_ in element.types for one in type_.targets)
    return Selected(types, is_single, value_set, () if "Resource" in targets else targets)


def _walk(head: str, names: list[str], definitions: Definitions) -> tuple[Element, bool] | None:
    owner, element, is_single = head, None, True
    for name in names:
        if not definitions.has_structure(owner):
            return None
        element = next((e for e in definitions.structure(owner).elements if e.name == name), None)
        if element is None:
            return None
        is_single = is_single and element.maximum == 1
        owner = _structure_of(element)
    return None if element is None else (element, is_single)


def _structure_of(element: Element) -> str:
    if element.content_reference:
        return element.content_reference
    code = element.types[0].code if len(element.types) == 1 else ""
    return element.path if code in {"BackboneElement", "Element"} else code

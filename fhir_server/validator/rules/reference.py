"""References: a form that names something, a type that the element may point to, `#id` that is there.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.spec.reference import Reference, parse_reference
from fhir_server.validator.report import SINGLE
from fhir_server.validator.rules.primitive import an

if TYPE_CHECKING:
    from fhir_server.validator.report import ItemCheck, Place, Report

_TYPED = frozenset({"local", "conditional"})


def reference_check(targets: tuple[str, ...], resource_types: frozenset[str]) -> ItemCheck:
    """Return the check of a Reference that may point to `targets` (to anything where `Resource` is one)."""
    allowed = resource_types if not targets or "Resource" in targets else frozenset(targets)

    def check(value: Any, place: Place, report: Report) -> None:
        text = value.get("reference") if type(value) is dict else None
        if type(text) is not str:
            return
        reference = parse_reference(text)
        found = _type_of(reference, resource_types, report)
        fault = _fault(reference, found, resource_types)
        if not fault and found and found not in allowed:
            fault = f"{an(found)} is not allowed here, only {', '.join(sorted(allowed))}"
        declared = value.get("type")
        if not fault and found and type(declared) is str and declared in resource_types and declared != found:
            fault = f"the reference names {an(found)}, its type says {declared}"
        if fault:
            report.add("value", fault, (place, "reference", SINGLE))

    return check


def canonical_fault(text: str, report: Report) -> str:
    """Return why a canonical cannot be right, "" where it may be: `#id` must be contained."""
    if text.startswith("#") and text[1:] and text[1:] not in report.contained:
        return "there is no contained resource of that id"
    return ""


def _type_of(reference: Reference, resource_types: frozenset[str], report: Report) -> str:
    if reference.kind == "contained":
        return report.contained.get(reference.fragment, "")
    return reference.resource_type if reference.resource_type in resource_types else ""


def _fault(reference: Reference, found: str, resource_types: frozenset[str]) -> str:
    if reference.kind == "other":
        return "this is no reference; write Type/id, an absolute URL, urn:uuid:… or #id of a contained resource"
    if reference.kind == "contained" and reference.fragment and not found:
        return "there is no contained resource of that id"
    if reference.kind in _TYPED and reference.resource_type not in resource_types:
        return f"{reference.resource_type} is not a type of resource"
    return ""

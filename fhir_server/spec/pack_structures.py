"""Takes the facts out of StructureDefinitions: what each type adds to the type it builds on.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from fhir_server.spec.pack_format import BACKBONES, PackedConstraint, PackedElement, PackedStructure, parent_of

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_FHIR_TYPE = f"{_CORE}structuredefinition-fhir-type"
_REGEX = f"{_CORE}regex"
_MAXIMUM_VALUE_SET = f"{_CORE}elementdefinition-maxValueSet"
_SIMPLE_QUANTITY: PackedConstraint = ("sqty-1", "error", "comparator.empty()")
"""What the profile SimpleQuantity adds to Quantity; the only profile R4's base types point to."""
_TYPE_OF = {"Resource.id": "id", "Element.id": "string"}
"""Elements whose 4.0.1 definition names another type than the specification's page does, or not always one."""

Definition = Mapping[str, Any]


def packed_structures(definitions: list[Definition]) -> dict[str, PackedStructure]:
    """Return what each type of the specification adds to its base, by name."""
    types = {d["name"]: d for d in definitions if d.get("derivation") != "constraint" and d["kind"] != "logical"}
    whole = {name: _whole(d, types) for name, d in sorted(types.items())}
    return {name: _without_inherited(packed, whole) for name, packed in whole.items()}


def _whole(definition: Definition, types: Mapping[str, Definition]) -> PackedStructure:
    root, *elements = definition["snapshot"]["element"]
    values = [e for e in elements if definition["kind"] == "primitive-type" and e["path"].endswith(".value")]
    return PackedStructure(
        kind=definition["kind"],
        base=_last(definition.get("baseDefinition", "")),
        abstract=definition["abstract"],
        regex=_extension(values[0]["type"][0], _REGEX) if values else "",
        constraints=_constraints(root),
        elements=tuple(_element(e, types) for e in elements if e not in values),
    )


def _element(element: Definition, types: Mapping[str, Definition]) -> PackedElement:
    codes = tuple(_type(element, t) for t in element.get("type", ()))
    inherited = {c["key"] for t in codes for c in types[t[0]]["snapshot"]["element"][0].get("constraint", ())}
    inherited |= {"ele-1"}
    profiled = any("profile" in t for t in element.get("type", ()))
    own = tuple(c for c in _constraints(element) if c[0] not in inherited)
    return PackedElement(
        path=element["path"].partition(".")[2],
        min=element["min"],
        max=sys.intern(element["max"]),  # the one text that `omit_defaults` knows
        types=codes,
        content_reference=element.get("contentReference", "").removeprefix("#"),
        binding=_binding(element.get("binding", {})),
        constraints=(*own, _SIMPLE_QUANTITY) if profiled else own,
        summary=element.get("isSummary", False),
        modifier=element["isModifier"],
        attribute="xmlAttr" in element.get("representation", ()),
    )


def _type(element: Definition, reference: Definition) -> tuple[str, ...]:
    path = element["base"]["path"]
    code = _TYPE_OF.get(path) or _extension(reference, _FHIR_TYPE) or reference["code"]
    return (code, *(_last(target) for target in reference.get("targetProfile", ())))


def _binding(binding: Definition) -> tuple[str, ...]:
    if "valueSet" not in binding:
        return ()
    told = (binding["strength"], _unversioned(binding["valueSet"]))
    maximum = _unversioned(_extension(binding, _MAXIMUM_VALUE_SET))
    return (*told, maximum) if maximum else told


def _constraints(element: Definition) -> tuple[PackedConstraint, ...]:
    return tuple((c["key"], c["severity"], c["expression"]) for c in element.get("constraint", ()))


def _without_inherited(packed: PackedStructure, whole: Mapping[str, PackedStructure]) -> PackedStructure:
    """Leave out what the base, or the base of the backbone element around it, says in the same words."""
    types = {"": packed.base} | {
        e.path: e.types[0][0] for e in packed.elements if e.types and e.types[0][0] in BACKBONES
    }
    own = tuple(e for e in packed.elements if e not in _inherited(types[parent_of(e.path)], parent_of(e.path), whole))
    told = whole[packed.base].constraints if packed.base else ()
    return msgspec.structs.replace(
        packed, elements=own, constraints=tuple(c for c in packed.constraints if c not in told)
    )


def _inherited(base: str, path: str, whole: Mapping[str, PackedStructure]) -> list[PackedElement]:
    if not base:
        return []
    prefix = f"{path}." if path else ""
    return [msgspec.structs.replace(e, path=prefix + e.path) for e in whole[base].elements if "." not in e.path]


def _extension(holder: Definition, url: str) -> str:
    for extension in holder.get("extension", ()):
        if extension["url"] == url:
            return str(next(value for key, value in extension.items() if key.startswith("value")))
    return ""


def _last(url: str) -> str:
    return url.rpartition("/")[2]


def _unversioned(canonical: str) -> str:
    return canonical.partition("|")[0]

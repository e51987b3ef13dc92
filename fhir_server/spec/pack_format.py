"""How the definition pack is written: the shapes in its files, and the way from them to a `Structure`.

A pack is a folder of JSON files of facts, one entry a line: `structures.json` (a structure a
line, holding only what it adds to its base), `search_parameters.json`, `compartments.json`,
`operations.json`, `terminology.json` and `pack.json` (what was built, and counts).

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from fhir_server.spec.definitions import Binding, Constraint, Element, JsonName, Structure, TypeReference

if TYPE_CHECKING:
    from collections.abc import Iterable

BACKBONES = frozenset({"BackboneElement", "Element"})
"""The types of elements whose children are told in place."""

PackedConstraint = tuple[str, str, str]
"""Key, severity, expression."""


class PackedElement(msgspec.Struct, omit_defaults=True, frozen=True):
    """One element. `path` leaves the name of the type out; `max` 0 takes an inherited element away;
    each of `types` is a code followed by the targets; `binding` is strength, value set and, where
    there is one, the maximum value set.
    """

    path: str
    min: int = 0
    max: str = "1"
    types: tuple[tuple[str, ...], ...] = ()
    content_reference: str = ""
    binding: tuple[str, ...] = ()
    constraints: tuple[PackedConstraint, ...] = ()
    summary: bool = False
    modifier: bool = False
    attribute: bool = False


class PackedStructure(msgspec.Struct, omit_defaults=True, frozen=True):
    """One type: what it adds to `base`, backbone elements' children included."""

    kind: str
    base: str = ""
    abstract: bool = False
    regex: str = ""
    constraints: tuple[PackedConstraint, ...] = ()
    elements: tuple[PackedElement, ...] = ()


class ValueSetPart(msgspec.Struct, omit_defaults=True, frozen=True):
    """The codes a value set takes from one system; all of the system where `codes` is None."""

    system: str
    codes: tuple[str, ...] | None = None


class Terminology(msgspec.Struct, frozen=True):
    """Displays of the codes of each system, and value sets by URL."""

    code_systems: dict[str, dict[str, str]]
    value_sets: dict[str, tuple[ValueSetPart, ...]]


def parent_of(path: str) -> str:
    """Return the path of the parent: `contact` of `contact.name`, "" of `contact`."""
    return path.rpartition(".")[0]


def unpacked(name: str, packed: PackedStructure, bases: dict[str, Structure]) -> list[Structure]:
    """Return the structure `name` and those of its backbone elements. `bases` has every type it builds on."""
    children: dict[str, list[PackedElement]] = defaultdict(list)
    for element in packed.elements:
        children[parent_of(element.path)].append(element)
    base = bases.get(packed.base)
    top = _structure(
        name,
        kind=packed.kind,
        base=packed.base,
        constraints=(base.constraints if base else ()) + tuple(Constraint(*c) for c in packed.constraints),
        elements=_elements(name, name, base, children, children[""]),
    )
    found = [replace(top, abstract=packed.abstract, regex=packed.regex)]
    found.extend(_backbone(name, e, bases, children) for e in packed.elements if e.path in children)
    return found


def base_names(packed: PackedStructure) -> set[str]:
    """Return the names of the types that must be there before `packed` can be unpacked."""
    parents = {parent_of(e.path) for e in packed.elements}
    return ({packed.base} - {""}) | {e.types[0][0] for e in packed.elements if e.path in parents}


def _backbone(
    name: str, packed: PackedElement, bases: dict[str, Structure], children: dict[str, list[PackedElement]]
) -> Structure:
    base = bases[packed.types[0][0]]
    path = f"{name}.{packed.path}"
    return _structure(
        path,
        kind="backbone",
        base=base.name,
        constraints=base.constraints + tuple(Constraint(*c) for c in packed.constraints),
        elements=_elements(name, path, base, children, children[packed.path]),
    )


def _elements(
    name: str,
    path: str,
    base: Structure | None,
    children: dict[str, list[PackedElement]],
    own: Iterable[PackedElement],
) -> tuple[Element, ...]:
    """Return the inherited elements (told under this path), then the own ones."""
    found = {e.name: replace(e, path=f"{path}.{e.path.rpartition('.')[2]}") for e in base.elements} if base else {}
    for packed in own:
        element = _element(name, packed, is_backbone=packed.path in children)
        if packed.max == "0":
            found.pop(element.name)
        else:
            found[element.name] = element
    return tuple(found.values())


def _element(name: str, packed: PackedElement, *, is_backbone: bool) -> Element:
    is_choice = packed.path.endswith("[x]")
    return Element(
        path=f"{name}.{packed.path}",
        name=packed.path.rpartition(".")[2].removesuffix("[x]"),
        minimum=packed.min,
        maximum=None if packed.max == "*" else int(packed.max),
        types=tuple(TypeReference(t[0], t[1:]) for t in packed.types or (("BackboneElement",),)),
        is_choice=is_choice,
        content_reference=packed.content_reference,
        binding=Binding(*packed.binding) if packed.binding else None,
        constraints=() if is_backbone else tuple(Constraint(*c) for c in packed.constraints),
        is_summary=packed.summary,
        is_modifier=packed.modifier,
        is_list=packed.max not in {"0", "1"},
        xml_attribute=packed.attribute,
    )


def _structure(
    name: str, *, kind: str, base: str, constraints: tuple[Constraint, ...], elements: tuple[Element, ...]
) -> Structure:
    json_names = {json_name: meaning for e in elements for json_name, meaning in _json_names(e)}
    return Structure(
        name, kind, base, abstract=False, elements=elements, json_names=json_names, constraints=constraints
    )


def _json_names(element: Element) -> Iterable[tuple[str, JsonName]]:
    for reference in element.types:
        code = reference.code
        spelled = element.name + code[0].upper() + code[1:] if element.is_choice else element.name
        is_backbone = code in BACKBONES
        yield spelled, JsonName(element, code, (element.content_reference or element.path) if is_backbone else code)

"""Draws valid resources of any type from the definitions, and breaks them in one known place."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from fhir_server.spec.packages import Definitions, load_definitions

if TYPE_CHECKING:
    from fhir_server.spec.definitions import Element, Structure

DEFINITIONS: Definitions = load_definitions()
DEEPEST = 3
_DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>a</p></div>'
_DATES = st.dates().map(str)
_PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "base64Binary": st.sampled_from(["AAAA", "aGk="]),
    "boolean": st.booleans(),
    "canonical": st.sampled_from(["http://a/x", "http://a/x|1"]),
    "code": st.sampled_from(["a", "a b", "final"]),
    "date": _DATES | st.sampled_from(["2024", "2024-02"]),
    "dateTime": _DATES | st.just("2024-02-29T10:00:00.5+02:00"),
    "decimal": st.integers(-5, 5) | st.decimals(-10, 10, places=2),
    "id": st.from_regex(r"[A-Za-z0-9.-]{1,64}", fullmatch=True),
    "instant": st.just("2024-02-29T10:00:00Z"),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "markdown": st.just("*a*\n"),
    "oid": st.just("urn:oid:1.2.3"),
    "positiveInt": st.integers(1, 2**31 - 1),
    "string": st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=5),
    "time": st.times().map(lambda t: t.strftime("%H:%M:%S")),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "uri": st.sampled_from(["http://a", "urn:a"]),
    "url": st.just("http://a"),
    "uuid": st.uuids().map(lambda u: f"urn:uuid:{u}"),
    "xhtml": st.just(_DIV),
}


@st.composite
def resources(draw: st.DrawFn, resource_types: st.SearchStrategy[str] | None = None, depth: int = 0) -> dict[str, Any]:
    """A valid resource."""
    types = st.sampled_from(DEFINITIONS.resource_types) if resource_types is None else resource_types
    name = draw(types)
    return {"resourceType": name, **draw(_members(DEFINITIONS.structure(name), depth))}


@st.composite
def _members(draw: st.DrawFn, structure: Structure, depth: int) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if structure.name == "Extension":
        members["url"] = "http://a/extension"
        members["valueString"] = "a"
        return members
    optional = [
        e
        for e in structure.elements
        if e.minimum == 0 and e.name not in {"contained", "extension", "modifierExtension"}
    ]
    most = 4 if depth == 0 else 1
    chosen = (
        draw(st.lists(st.sampled_from(optional), max_size=most, unique=True)) if optional and depth < DEEPEST else []
    )
    for element in [e for e in structure.elements if e.minimum > 0] + chosen:
        members.update(draw(_property(structure, element, depth)))
    if not members and optional:
        members.update(draw(_property(structure, _simplest(structure), depth)))
    if depth == 0 and "extension" in structure.json_names and draw(st.booleans()):
        members["extension"] = [draw(_members(DEFINITIONS.structure("Extension"), 1))]
    return members


def _simplest(structure: Structure) -> Element:
    plain = [
        e
        for e in structure.elements
        if DEFINITIONS.structure(e.types[0].code).kind == "primitive-type" and e.name != "id"
    ]
    return (
        plain[0]
        if plain
        else next(e for e in structure.elements if e.name not in {"id", "extension", "modifierExtension"})
    )


@st.composite
def _property(draw: st.DrawFn, structure: Structure, element: Element, depth: int) -> dict[str, Any]:
    names = [(n, m) for n, m in structure.json_names.items() if m.element is element]
    if depth >= 1 or element.is_choice:
        shallow = [
            (n, m) for n, m in names if DEFINITIONS.structure(m.structure or m.type_code).kind == "primitive-type"
        ]
        names = shallow or names
    name, meaning = draw(st.sampled_from(names))
    one = _value(element, meaning.type_code, meaning.structure, depth)
    fewest = max(1, element.minimum)
    value = draw(st.lists(one, min_size=fewest, max_size=fewest + 1)) if element.is_list else draw(one)
    kind = DEFINITIONS.structure(meaning.structure or meaning.type_code).kind
    if kind == "primitive-type" and meaning.type_code != "xhtml" and not element.xml_attribute and draw(st.booleans()):
        return {name: value, f"_{name}": _siblings(value)}
    return {name: value}


def _siblings(value: Any) -> Any:
    sibling = {"extension": [{"url": "http://a", "valueBoolean": True}]}
    return [sibling, *[None] * (len(value) - 1)] if isinstance(value, list) else sibling


def _value(element: Element, type_code: str, structure_name: str, depth: int) -> st.SearchStrategy[Any]:
    codes = _codes(element)
    if type_code == "Resource":
        return resources(st.sampled_from(["Patient", "Basic", "Organization"]), depth + 1)
    structure = DEFINITIONS.structure(structure_name or type_code)
    if structure.kind == "primitive-type":
        return st.sampled_from(sorted({c for _, c in codes})) if codes else _PRIMITIVES[type_code]
    if codes and type_code in {"Coding", "CodeableConcept"}:
        coding = st.sampled_from(sorted(codes)).map(lambda c: {"system": c[0], "code": c[1]})
        return coding if type_code == "Coding" else coding.map(lambda c: {"coding": [c], "text": "a"})
    if type_code == "Reference":
        return _references(next(t.targets for t in element.types if t.code == "Reference"))
    return _members(structure, depth + 1)


def _codes(element: Element) -> frozenset[tuple[str, str]] | None:
    if element.binding is None or element.binding.strength != "required":
        return None
    return DEFINITIONS.value_set_codes(element.binding.value_set)


def _references(targets: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    types = [t for t in targets if t != "Resource"] or ["Patient"]
    forms = [
        f"{types[0]}/1",
        f"{types[-1]}/a/_history/2",
        f"http://a/fhir/{types[0]}/1",
        "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
    ]
    return st.sampled_from(forms).map(lambda text: {"reference": text}) | st.just({"display": "a"})


def places(resource: dict[str, Any]) -> list[tuple[str, Any, Any, Structure, str]]:
    """All objects' members: the object's place, the object, the key, its structure and its type's name."""
    found: list[tuple[str, Any, Any, Structure, str]] = []
    _walk(resource, resource["resourceType"], DEFINITIONS.structure(resource["resourceType"]), found)
    return found


def _walk(value: dict[str, Any], place: str, structure: Structure, found: list[Any]) -> None:
    for key, item in value.items():
        meaning = structure.json_names.get(key)
        if meaning is None:
            continue
        found.append((place, value, key, structure, meaning.type_code))
        step = f"{meaning.element.name}.ofType({meaning.type_code})" if meaning.element.is_choice else key
        for index, one in enumerate(item if isinstance(item, list) else [item]):
            if isinstance(one, dict):
                name = (
                    one.get("resourceType")
                    if meaning.type_code == "Resource"
                    else meaning.structure or meaning.type_code
                )
                at = f"{place}.{step}[{index}]" if meaning.element.is_list else f"{place}.{step}"
                _walk(one, at, DEFINITIONS.structure(str(name)), found)


def wrong_for(type_code: str) -> Any:
    """A value that no element of the type may have, of the right JSON type where there is one."""
    return {"boolean": "true", "decimal": "1.0", "integer": Decimal("1.5"), "unsignedInt": -1, "positiveInt": 0}.get(
        type_code, ""
    )

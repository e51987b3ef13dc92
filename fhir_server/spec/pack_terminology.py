"""Takes the value sets out of the core package that required bindings need, as plain lists of codes.

A value set whose systems the package does not hold (MIME types, currencies, units) cannot be
enumerated and is left out.

https://hl7.org/fhir/R4/valueset.html#compose
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fhir_server.spec.pack_format import PackedStructure, Terminology, ValueSetPart

Definition = Mapping[str, Any]


def packed_terminology(
    structures: Mapping[str, PackedStructure], value_sets: Iterable[Definition], code_systems: Iterable[Definition]
) -> Terminology:
    """Return every value set that a required or maximum binding names and that the package can enumerate."""
    known = {v["url"]: v for v in value_sets}
    systems = {c["url"]: dict(_concepts(c.get("concept", ()))) for c in code_systems if c["content"] == "complete"}
    found = {url: parts for url in _required(structures) if (parts := _parts(known.get(url, {}), systems)) is not None}
    used: dict[str, dict[str, str]] = {}
    for url, parts in found.items():
        for part, include in zip(parts, known[url]["compose"]["include"], strict=True):
            told = used.setdefault(part.system, dict(systems.get(part.system, {})))
            told.update((code, d) for code, d in _concepts(include.get("concept", ())) if not told.get(code))
    return Terminology(used, found)


def _required(structures: Mapping[str, PackedStructure]) -> list[str]:
    bindings = {e.binding for s in structures.values() for e in s.elements if e.binding}
    return sorted({b[1] for b in bindings if b[0] == "required"} | {b[2] for b in bindings if b[2:]})


def _parts(value_set: Definition, systems: Mapping[str, Mapping[str, str]]) -> tuple[ValueSetPart, ...] | None:
    compose = value_set.get("compose", {})
    includes = compose.get("include", ())
    if not includes or "exclude" in compose or not all(_can_be_listed(i, systems) for i in includes):
        return None
    return tuple(_part(i) for i in includes)


def _can_be_listed(include: Definition, systems: Mapping[str, Mapping[str, str]]) -> bool:
    if "filter" in include or "valueSet" in include:
        return False
    return "concept" in include or include["system"] in systems


def _part(include: Definition) -> ValueSetPart:
    codes = tuple(c["code"] for c in include["concept"]) if "concept" in include else None
    return ValueSetPart(include["system"], codes)


def _concepts(concepts: Iterable[Definition]) -> Iterator[tuple[str, str]]:
    """Yield code and display of every concept, children included."""
    for concept in concepts:
        yield concept["code"], concept.get("display", "")
        yield from _concepts(concept.get("concept", ()))

"""Builds the definition pack from a FHIR core package: facts only, and the same bytes every time.

Left out on purpose: narrative, descriptions, the prose of constraints; nothing here reads the clock.

https://hl7.org/fhir/R4/downloads.html and https://registry.fhir.org (`hl7.fhir.r4.core`)
"""

from __future__ import annotations

import re
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_server.spec.definitions import (
    Compartment,
    OperationParameter,
    OperationSignature,
    SearchComponent,
    SearchParameter,
)
from fhir_server.spec.pack_structures import packed_structures
from fhir_server.spec.pack_terminology import packed_terminology

if TYPE_CHECKING:
    from pathlib import Path

Definition = Mapping[str, Any]

_WANTED = re.compile(
    r"package/(package\.json|(?:StructureDefinition|SearchParameter|CompartmentDefinition|OperationDefinition"
    r"|CodeSystem|ValueSet)-[^/]+\.json)"
)
_CORE_COMPARTMENT = re.compile(r"http://hl7\.org/fhir/CompartmentDefinition/(?!example)")
_MISSPELT = {"value.as(DateTime) | value.as(Period)": "value.as(dateTime) | value.as(Period)"}
"""Expressions of 4.0.1 that name a type which does not exist."""


def build_pack(source: Path) -> dict[str, bytes]:
    """Return the files of the pack by name, built from the core package in the archive `source`."""
    found = _read(source)
    manifest = found["package"][0]
    structures = packed_structures(found["StructureDefinition"])
    parameters = search_parameters(found["SearchParameter"])
    compartments = _compartments(found["CompartmentDefinition"])
    operations = sorted((_operation(d) for d in found["OperationDefinition"]), key=lambda o: o.url)
    terminology = packed_terminology(structures, found["ValueSet"], found["CodeSystem"])
    told = {
        "name": manifest["name"],
        "version": manifest["version"],
        "license": manifest["license"],
        "structures": len(structures),
        "search_parameters": len(parameters),
        "compartments": len(compartments),
        "operations": len(operations),
        "value_sets": len(terminology.value_sets),
    }
    return {
        "pack.json": _lines(told),
        "structures.json": _lines(structures),
        "search_parameters.json": _lines(parameters),
        "compartments.json": _lines(compartments),
        "operations.json": _lines(operations),
        "code_systems.json": _lines(terminology.code_systems),
        "value_sets.json": _lines(terminology.value_sets),
    }


def write_pack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of a pack into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def search_parameters(definitions: Iterable[Definition]) -> list[SearchParameter]:
    """Return the search parameters by URL.

    Two of the package are examples that take the code of a real one (`_id` of Resource, `subject` of
    Condition): they are kept without the type where the real one stands.
    """
    ordered = sorted(definitions, key=lambda d: (d.get("experimental", False), d["url"]))
    taken: set[tuple[str, str]] = set()
    found = []
    for definition in ordered:
        code = definition["code"]
        base = tuple(b for b in definition.get("base", ()) if (code, b) not in taken)
        taken.update((code, b) for b in base)
        found.append(_search_parameter(definition, base))
    return sorted(found, key=lambda p: p.url)


def _search_parameter(definition: Definition, base: tuple[str, ...]) -> SearchParameter:
    return SearchParameter(
        url=definition["url"],
        code=definition["code"],
        type=definition["type"],
        base=base,
        expression=definition.get("expression", ""),
        targets=tuple(definition.get("target", ())),
        components=tuple(
            SearchComponent(c["definition"], _MISSPELT.get(c["expression"], c["expression"]))
            for c in definition.get("component", ())
        ),
    )


def _compartments(definitions: Iterable[Definition]) -> dict[str, Compartment]:
    core = (d for d in definitions if _CORE_COMPARTMENT.match(d["url"]))
    return {
        d["code"]: Compartment(
            d["code"], {r["code"]: tuple(r["param"]) for r in sorted(d["resource"], key=_code) if r.get("param")}
        )
        for d in sorted(core, key=_code)
    }


def _operation(definition: Definition) -> OperationSignature:
    return OperationSignature(
        url=definition["url"],
        code=definition["code"],
        system=definition["system"],
        type=definition["type"],
        instance=definition["instance"],
        affects_state=definition.get("affectsState", False),
        resource_types=tuple(definition.get("resource", ())),
        parameters=tuple(_operation_parameter(p) for p in definition.get("parameter", ())),
    )


def _operation_parameter(parameter: Definition) -> OperationParameter:
    return OperationParameter(
        name=parameter["name"],
        use=parameter["use"],
        minimum=parameter["min"],
        maximum=None if parameter["max"] == "*" else int(parameter["max"]),
        type=parameter.get("type", ""),
        parts=tuple(_operation_parameter(p) for p in parameter.get("part", ())),
        search_type=parameter.get("searchType", ""),
    )


def _read(source: Path) -> dict[str, list[Definition]]:
    """Return the definitions in the archive by type; nothing of it is written to the disk."""
    found: dict[str, list[tuple[str, Definition]]] = defaultdict(list)
    with tarfile.open(source, "r|*") as archive:
        for member in archive:
            if (wanted := _WANTED.fullmatch(member.name)) and (content := archive.extractfile(member)):
                definition = msgspec.json.decode(content.read())
                found[definition.get("resourceType", "package")].append((wanted[1], definition))
    if "package" not in found or all(d["name"] != "Resource" for _, d in found["StructureDefinition"]):
        raise ValueError(f"{source.name} is not a core package: it does not define Resource")
    in_order = {kind: [d for _, d in sorted(entries, key=lambda e: e[0])] for kind, entries in found.items()}
    return defaultdict(list, in_order)


def _code(definition: Definition) -> str:
    return str(definition["code"])


def _lines(entries: object) -> bytes:
    """Return JSON with one entry a line, so that a change of the pack can be read as one."""
    encode = msgspec.json.Encoder(order="deterministic").encode
    if isinstance(entries, Mapping):
        lines = [encode(str(key)) + b":" + encode(value) for key, value in sorted(entries.items())]
        return b"{\n" + b",\n".join(lines) + b"\n}\n"
    if isinstance(entries, list):
        return b"[\n" + b",\n".join(encode(entry) for entry in entries) + b"\n]\n"
    raise TypeError(type(entries).__name__)

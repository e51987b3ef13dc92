"""Structures say what their StructureDefinitions say; checked one by one against the published package."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from fhir_server.spec.packages import load_definitions

SHARED = Path(os.environ.get("FHIR_SHARED", Path(__file__).resolve().parents[3] / "shared"))
PACKAGE = SHARED / "definitions" / "hl7.fhir.r4.core-4.0.1.tar.xz"
DEFINITIONS = load_definitions()

needs_package = pytest.mark.skipif(not PACKAGE.exists(), reason=f"{PACKAGE.name} is not here")


@pytest.fixture(scope="module")
def published() -> dict[str, dict]:
    """The JSON schema and the StructureDefinitions of the types, as published."""
    found = {}
    with tarfile.open(PACKAGE, "r|*") as archive:
        for member in archive:
            if member.name == "extra/fhir.schema.json" or member.name.startswith("package/StructureDefinition-"):
                found[member.name] = json.load(archive.extractfile(member))
    schema = found.pop("extra/fhir.schema.json")
    types = {d["name"]: d for d in found.values() if d.get("derivation") != "constraint" and d["kind"] != "logical"}
    return {"schema": schema["definitions"], "types": types}


def children(definition: dict) -> dict[str, list[dict]]:
    """The elements of a StructureDefinition by the path of their parent; a primitive's value is no child."""
    found: dict[str, list[dict]] = {}
    for element in definition["snapshot"]["element"][1:]:
        is_value = definition["kind"] == "primitive-type" and element["path"].endswith(".value")
        if not is_value and element["max"] != "0":
            found.setdefault(element["path"].rpartition(".")[0], []).append(element)
    return found


@needs_package
def test_every_structure_has_the_published_elements_in_their_order(published):
    told = {parent: [e["path"] for e in es] for d in published["types"].values() for parent, es in children(d).items()}
    assert {path: [e.path for e in DEFINITIONS.structure(path).elements] for path in told} == told


@needs_package
def test_every_element_has_the_published_facts(published):
    for definition in published["types"].values():
        for parent, elements in children(definition).items():
            for element, ours in zip(elements, DEFINITIONS.structure(parent).elements, strict=True):
                assert facts(ours) == published_facts(element), element["path"]


def facts(element) -> dict:
    return {
        "cardinality": (element.minimum, "*" if element.maximum is None else str(element.maximum)),
        "list": element.is_list,
        "flags": (element.is_summary, element.is_modifier, element.xml_attribute),
        "binding": (element.binding.strength, element.binding.value_set) if element.binding else None,
        "reference": element.content_reference,
        "types": [t.code for t in element.types],
        "targets": [list(t.targets) for t in element.types],
    }


def published_facts(element: dict) -> dict:
    binding = element.get("binding", {})
    types = element.get("type") or [{"code": "BackboneElement"}]
    return {
        "cardinality": (element["min"], element["max"]),
        "list": element["max"] == "*",
        "flags": (
            element.get("isSummary", False),
            element["isModifier"],
            "xmlAttr" in element.get("representation", []),
        ),
        "binding": (binding["strength"], binding["valueSet"].partition("|")[0]) if "valueSet" in binding else None,
        "reference": element.get("contentReference", "").removeprefix("#"),
        "types": [published_type(element, t) for t in types],
        "targets": [[p.rpartition("/")[2] for p in t.get("targetProfile", [])] for t in types],
    }


def published_type(element: dict, told: dict) -> str:
    if not told["code"].startswith("http://hl7.org/fhirpath/"):
        return told["code"]
    last = element["path"].rpartition(".")[2]
    is_resource_id = last == "id" and element["base"]["path"] == "Resource.id"
    return "id" if is_resource_id else "uri" if last == "url" else "string"


@needs_package
def test_the_json_names_are_those_of_the_published_schema(published):
    schema = published["schema"]
    checked = 0
    for structure_name in (n for d in published["types"].values() for n in [d["name"], *children(d)]):
        type_name, *path = structure_name.split(".")
        told = schema.get("_".join([type_name, *(p[0].upper() + p[1:] for p in path)]))
        if told and "properties" in told:
            structure = DEFINITIONS.structure(structure_name)
            names = {n for n in told["properties"] if not n.startswith("_")}
            names -= set() if path else {"resourceType"}  # ExampleScenario.instance has an element of that name
            if path and structure.base == "Element":  # the schema takes these for backbone elements; R4 does not
                names -= {"modifierExtension"}
            ours = {n for n in structure.json_names if not n.endswith("Meta")}  # the schema has no choice of Meta
            assert ours == names, structure_name
            checked += 1
    assert checked > 600


@needs_package
def test_every_constraint_is_said_once_by_the_element_or_by_its_structure(published):
    for definition in published["types"].values():
        for parent, elements in children(definition).items():
            for element, ours in zip(elements, DEFINITIONS.structure(parent).elements, strict=True):
                told = {c["key"] for c in element.get("constraint", [])}
                own = [c.key for c in ours.constraints]
                backbone = DEFINITIONS.has_structure(ours.path)
                structures = [ours.path] if backbone else [t.code for t in ours.types]
                at_types = {c.key for name in structures for c in DEFINITIONS.structure(name).constraints}
                assert told <= at_types | set(own), element["path"]
                assert not at_types & set(own), element["path"]


@needs_package
def test_a_type_has_its_published_constraints_and_parent(published):
    for name, definition in published["types"].items():
        structure = DEFINITIONS.structure(name)
        told = {c["key"] for c in definition["snapshot"]["element"][0].get("constraint", [])}
        assert {c.key for c in structure.constraints} == told, name
        assert structure.base == definition.get("baseDefinition", "").rpartition("/")[2], name
        assert (structure.kind, structure.abstract) == (definition["kind"], definition["abstract"]), name


@pytest.mark.parametrize(
    ("structure", "json_name", "type_code", "told_by"),
    [
        pytest.param("Observation", "valueQuantity", "Quantity", "Quantity", id="a choice spells its type"),
        pytest.param("Patient", "deceasedDateTime", "dateTime", "dateTime", id="a choice of primitives"),
        pytest.param("Patient", "contact", "BackboneElement", "Patient.contact", id="a backbone element"),
        pytest.param("Timing", "repeat", "Element", "Timing.repeat", id="a data type's own element"),
        pytest.param("Bundle.entry", "link", "BackboneElement", "Bundle.link", id="content told elsewhere"),
        pytest.param("Questionnaire.item", "item", "BackboneElement", "Questionnaire.item", id="content told above"),
        pytest.param("Patient", "id", "id", "id", id="a resource's id"),
        pytest.param("HumanName", "id", "string", "string", id="an element's id"),
        pytest.param("Extension", "url", "uri", "uri", id="an extension's url"),
        pytest.param("Patient", "contained", "Resource", "Resource", id="a contained resource"),
        pytest.param("Narrative", "div", "xhtml", "xhtml", id="a narrative's content"),
    ],
)
def test_a_json_name_says_what_stands_there(structure: str, json_name: str, type_code: str, told_by: str):
    meaning = DEFINITIONS.structure(structure).json_names[json_name]
    assert (meaning.type_code, meaning.structure) == (type_code, told_by)
    assert DEFINITIONS.has_structure(meaning.structure)


def test_a_choice_has_no_name_without_its_type():
    assert "value" not in DEFINITIONS.structure("Observation").json_names
    assert len([n for n in DEFINITIONS.structure("Extension").json_names if n.startswith("value")]) == 50


def test_a_simple_quantity_has_no_comparator():
    low = DEFINITIONS.structure("Range").json_names["low"].element
    assert [(c.key, c.expression) for c in low.constraints] == [("sqty-1", "comparator.empty()")]


def test_content_told_elsewhere_has_the_constraints_of_that_place():
    item = DEFINITIONS.structure(DEFINITIONS.structure("Questionnaire.item").json_names["item"].structure)
    assert {"que-1", "que-3", "ele-1"} <= {c.key for c in item.constraints}


def test_every_primitive_but_xhtml_has_a_pattern():
    primitives = [n for n in DEFINITIONS.type_names if DEFINITIONS.structure(n).kind == "primitive-type"]
    assert len(primitives) == 20
    assert [n for n in primitives if not DEFINITIONS.structure(n).regex] == ["xhtml"]


def test_a_language_has_an_outer_limit():
    binding = DEFINITIONS.structure("Patient").json_names["language"].element.binding
    assert binding is not None
    assert binding.maximum_value_set == "http://hl7.org/fhir/ValueSet/all-languages"

"""The pack that ships: complete, quick to load, and what R4 says in the places where R4 is peculiar."""

from __future__ import annotations

import re
import time

import pytest

from fhir_server.kernel.bundled import bundled
from fhir_server.spec.packages import Definitions, load_definitions

DEFINITIONS = load_definitions()
VALUE_SET = "http://hl7.org/fhir/ValueSet/"


def test_a_pack_is_loaded_in_less_than_300_milliseconds():
    def seconds() -> float:
        begin = time.perf_counter()
        load_definitions().structure("Observation")
        return time.perf_counter() - begin

    assert min(seconds() for _ in range(3)) < 0.3


def test_a_pack_holds_all_of_r4():
    counts = (
        len(DEFINITIONS.resource_types),
        len(DEFINITIONS.search_parameters),
        len(DEFINITIONS.compartments),
        len(DEFINITIONS.operations),
    )
    assert counts == (146, 1400, 5, 47)


def test_a_pack_holds_no_prose_and_no_large_file():
    for path in bundled("profiles", "r4").iterdir():
        content = path.read_text(encoding="utf-8")
        assert len(content) < 2_000_000, path.name
        assert not re.search(r"SHALL|SHOULD|<div", content), path.name


@pytest.mark.parametrize(
    ("name", "of", "expected"),
    [
        pytest.param("Age", "Quantity", True, id="Age is a Quantity"),
        pytest.param("Money", "Quantity", False, id="Money is not a Quantity"),
        pytest.param("code", "string", True, id="code is a string"),
        pytest.param("oid", "uri", True, id="oid is a uri"),
        pytest.param("positiveInt", "integer", True, id="positiveInt is an integer"),
        pytest.param("Patient", "DomainResource", True, id="Patient is a DomainResource"),
        pytest.param("Patient", "Resource", True, id="Patient is a Resource"),
        pytest.param("Patient", "Patient", True, id="Patient is a Patient"),
        pytest.param("Bundle", "DomainResource", False, id="Bundle is not a DomainResource"),
        pytest.param("Patient.contact", "BackboneElement", True, id="Patient.contact is a BackboneElement"),
        pytest.param("Timing.repeat", "BackboneElement", False, id="Timing.repeat is only an Element"),
        pytest.param("Patient", "Observation", False, id="Patient is not an Observation"),
        pytest.param("Nothing", "Nothing", False, id="an unknown type is nothing"),
    ],
)
def test_a_type_is_of_the_types_it_builds_on(name, of, expected):
    assert DEFINITIONS.is_subtype(name, of) is expected


def test_a_structure_is_known_or_a_key_error():
    assert DEFINITIONS.has_structure("Patient.contact")
    assert not DEFINITIONS.has_structure("Patient.nothing")
    assert not DEFINITIONS.has_structure("Nothing.contact")
    for name in ("Patient.nothing", "Nothing", ""):
        with pytest.raises(KeyError):
            DEFINITIONS.structure(name)


@pytest.mark.parametrize(
    ("value_set", "size"),
    [
        ("administrative-gender", 4),
        ("resource-types", 148),
        ("all-types", 213),
        ("units-of-time", 7),
        ("task-intent", 9),
        ("days-of-week", 7),
    ],
)
def test_a_required_value_set_lists_its_codes(value_set: str, size: int):
    codes = DEFINITIONS.value_set_codes(f"{VALUE_SET}{value_set}|4.0.1")
    assert codes is not None
    assert len(codes) == size


@pytest.mark.parametrize("value_set", ["mimetypes", "currencies", "ucum-units", "all-languages", "no-such-value-set"])
def test_a_value_set_of_systems_from_elsewhere_is_not_listed(value_set: str):
    assert DEFINITIONS.value_set_codes(VALUE_SET + value_set) is None


def test_every_required_binding_is_listed_or_known_not_to_be():
    bindings = {
        e.binding.value_set
        for structure in all_structures(DEFINITIONS)
        for e in structure.elements
        if e.binding and e.binding.strength == "required"
    }
    assert {b for b in bindings if DEFINITIONS.value_set_codes(b) is None} == {
        f"{VALUE_SET}currencies",
        f"{VALUE_SET}mimetypes",
        f"{VALUE_SET}ucum-units",
        "http://loinc.org/vs/LL379-9",
    }


@pytest.mark.parametrize(
    ("system", "code", "display"),
    [
        ("http://hl7.org/fhir/administrative-gender", "female", "Female"),
        ("http://unitsofmeasure.org", "wk", "week"),
        ("http://hl7.org/fhir/administrative-gender", "none-such", None),
        ("http://none.such", "female", None),
    ],
)
def test_a_code_has_its_display(system: str, code: str, display: str | None):
    assert DEFINITIONS.code_display(system, code) == display


def test_no_two_search_parameters_of_a_type_share_a_code():
    pairs = [(p.code, base) for p in DEFINITIONS.search_parameters for base in p.base]
    assert len(pairs) == len(set(pairs))
    subject = next(p for p in DEFINITIONS.search_parameters if p.code == "subject" and "Condition" in p.base)
    assert set(subject.targets) == {"Patient", "Group"}


def test_the_parts_of_a_composite_are_search_parameters():
    known = {p.url for p in DEFINITIONS.search_parameters}
    composites = [p for p in DEFINITIONS.search_parameters if p.type == "composite"]
    assert len(composites) == 46
    assert all(c.definition in known and c.expression for p in composites for c in p.components)


def test_a_signature_says_where_an_operation_is_called():
    expand = next(o for o in DEFINITIONS.operations if o.url.endswith("/ValueSet-expand"))
    assert (expand.code, expand.resource_types) == ("expand", ("ValueSet",))
    assert (expand.system, expand.type, expand.instance, expand.affects_state) == (False, True, True, False)
    assert [(p.name, p.maximum) for p in expand.parameters if p.use == "out"] == [("return", 1)]


def test_a_signature_holds_nested_parameters():
    lookup = next(o for o in DEFINITIONS.operations if o.code == "lookup")
    designation = next(p for p in lookup.parameters if p.name == "designation")
    assert (designation.maximum, [p.name for p in designation.parts]) == (None, ["language", "use", "value"])


def all_structures(definitions: Definitions):
    """Every structure, the backbone elements' included."""
    for name in definitions.type_names:
        open_structures = [definitions.structure(name)]
        while open_structures:
            structure = open_structures.pop()
            yield structure
            open_structures += [
                definitions.structure(e.path) for e in structure.elements if is_backbone(definitions, e)
            ]


def is_backbone(definitions: Definitions, element) -> bool:
    return element.path.count(".") > 0 and definitions.has_structure(element.path)

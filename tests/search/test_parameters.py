"""Every R4 search parameter is known on the types it is for, with what the definitions say of its elements."""

from __future__ import annotations

import pytest

from fhir_server.fhirpath.compiler import compile_expression
from fhir_server.search.elements import selected_by
from fhir_server.search.parameters import SPECIAL_VALUES, SearchParameters

UNSEARCHABLE = {"_text", "_content", "_filter", "_query"}


def test_every_type_has_the_parameters_of_every_resource(search_parameters: SearchParameters):
    for name in search_parameters.definitions.resource_types:
        assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"} <= set(search_parameters.of(name))


def test_parameters_that_say_nothing_to_evaluate_are_none(search_parameters: SearchParameters):
    for name in search_parameters.definitions.resource_types:
        assert not UNSEARCHABLE & set(search_parameters.of(name))
        assert all(parameter.expression for parameter in search_parameters.of(name).values())


def test_every_expression_compiles_for_its_types(search_parameters: SearchParameters):
    definitions = search_parameters.definitions
    texts = {
        definitions.expression_for(parameter, name)
        for name in definitions.resource_types
        for parameter in search_parameters.of(name).values()
    }
    assert len(texts) > 1200
    for text in texts:
        assert compile_expression(text, definitions).text == text


def test_every_composite_knows_its_parts(search_parameters: SearchParameters):
    seen = 0
    for name in search_parameters.definitions.resource_types:
        for parameter in search_parameters.of(name).values():
            if parameter.type == "composite":
                parts = search_parameters.components(name, parameter)
                assert len(parts) >= 2
                seen += 1
    assert seen > 60


def test_an_unknown_type_or_code_has_no_parameter(search_parameters: SearchParameters):
    assert search_parameters.get("Patient", "nonsense") is None
    assert search_parameters.get("Nonsense", "_id") is None
    assert not search_parameters.of("Nonsense")


@pytest.mark.parametrize(
    ("resource_type", "code", "targets"),
    [
        pytest.param("Observation", "patient", {"Patient"}, id="narrowed by resolve()"),
        pytest.param("Observation", "subject", {"Patient", "Group", "Device", "Location"}, id="as declared"),
        pytest.param("Observation", "encounter", {"Encounter"}, id="narrowed by the element"),
    ],
)
def test_references_lead_to_the_types_the_element_allows(resource_type, code, targets, search_parameters):
    parameter = search_parameters.get(resource_type, code)
    assert set(search_parameters.targets(parameter, resource_type)) == targets


def test_a_reference_to_any_resource_leads_to_all_types(search_parameters: SearchParameters):
    parameter = search_parameters.get("Provenance", "target")
    assert parameter is not None
    targets = search_parameters.targets(parameter, "Provenance")
    assert (
        {"Patient", "Observation", "VisionPrescription"}
        < set(targets)
        <= set(search_parameters.definitions.resource_types)
    )


@pytest.mark.parametrize(
    ("resource_type", "code", "is_bare"),
    [
        pytest.param("Patient", "gender", True, id="code"),
        pytest.param("Patient", "active", True, id="boolean"),
        pytest.param("Patient", "email", True, id="contact point"),
        pytest.param("Patient", "identifier", False, id="identifier"),
        pytest.param("Observation", "code", False, id="codeable concept"),
        pytest.param("Encounter", "class", False, id="coding"),
        pytest.param("Group", "value", False, id="concept or boolean"),
    ],
)
def test_tokens_are_bare_where_no_element_can_have_a_system(resource_type, code, is_bare, search_parameters):
    pairs = search_parameters.bare_tokens(resource_type, search_parameters.get(resource_type, code))
    assert (pairs is not None) is is_bare


def test_bare_tokens_imply_the_systems_of_their_binding(search_parameters: SearchParameters):
    gender, active = (search_parameters.get("Patient", code) for code in ("gender", "active"))
    assert ("http://hl7.org/fhir/administrative-gender", "male") in search_parameters.bare_tokens("Patient", gender)
    assert (SPECIAL_VALUES[0], "true") in search_parameters.bare_tokens("Patient", active)


@pytest.mark.parametrize(
    ("part", "types", "is_single"),
    [
        pytest.param("Patient.gender", ("code",), True, id="path"),
        pytest.param("Patient.contact.name", ("HumanName",), False, id="backbone"),
        pytest.param("(Observation.value as Quantity)", ("Quantity",), True, id="as"),
        pytest.param("Condition.onset.as(Period)", ("Period",), True, id="as function"),
        pytest.param("Patient.telecom.where(system='email')", ("ContactPoint",), False, id="where"),
        pytest.param("Bundle.link.url", ("uri",), False, id="inside a list"),
    ],
)
def test_a_plain_path_says_what_it_selects(part, types, is_single, search_parameters: SearchParameters):
    selected = selected_by(part, search_parameters.definitions)
    assert selected is not None
    assert (selected.types, selected.is_single) == (types, is_single)


@pytest.mark.parametrize("part", ["Bundle.entry[0].resource", "Patient.nonsense", "name", "Patient.deceased.exists()"])
def test_anything_but_a_plain_path_is_not_judged(part, search_parameters: SearchParameters):
    assert selected_by(part, search_parameters.definitions) is None

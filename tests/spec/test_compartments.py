"""Who is in whose compartment."""

from __future__ import annotations

import pytest

from fhir_server.spec.compartments import compartments_of, may_hold, parameters_into, types_in
from fhir_server.spec.packages import load_definitions

DEFINITIONS = load_definitions()


@pytest.mark.parametrize(
    ("compartment", "resource_type", "parameters"),
    [
        pytest.param("Patient", "Observation", ("subject", "performer"), id="through its parameters"),
        pytest.param("Patient", "Patient", ("_id", "link"), id="a patient is in its own, and in its links'"),
        pytest.param("Encounter", "Encounter", ("_id",), id="an encounter is in its own"),
        pytest.param("Device", "Device", ("_id",), id="a device is in its own, though not listed with a parameter"),
        pytest.param("Patient", "Organization", (), id="an organization is in no patient's"),
        pytest.param("Patient", "Parameters", (), id="what is not stored is in none"),
    ],
)
def test_a_type_belongs_through_its_search_parameters(
    compartment: str, resource_type: str, parameters: tuple[str, ...]
):
    assert parameters_into(DEFINITIONS, compartment, resource_type) == parameters
    assert may_hold(DEFINITIONS, compartment, resource_type) is bool(parameters)


def test_an_unknown_compartment_is_a_key_error():
    with pytest.raises(KeyError):
        parameters_into(DEFINITIONS, "Organization", "Patient")


@pytest.mark.parametrize(
    ("compartment", "count"),
    [("Patient", 66), ("Practitioner", 59), ("RelatedPerson", 32), ("Encounter", 25), ("Device", 33)],
)
def test_a_compartment_has_its_types(compartment: str, count: int):
    types = types_in(DEFINITIONS, compartment)
    assert len(types) == count
    assert compartment in types


def test_a_type_has_its_compartments():
    assert compartments_of(DEFINITIONS, "Observation") == (
        "Device",
        "Encounter",
        "Patient",
        "Practitioner",
        "RelatedPerson",
    )
    assert compartments_of(DEFINITIONS, "CodeSystem") == ()


def test_every_parameter_into_a_compartment_exists_and_can_point_there():
    known = {(base, p.code): p for p in DEFINITIONS.search_parameters for base in p.base}
    for compartment in DEFINITIONS.compartments:
        for resource_type in types_in(DEFINITIONS, compartment):
            for code in set(parameters_into(DEFINITIONS, compartment, resource_type)) - {"_id"}:
                assert known[resource_type, code].type == "reference", (resource_type, code)

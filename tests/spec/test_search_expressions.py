"""The parts of a search parameter's expression that speak of one type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.spec.packages import load_definitions
from fhir_server.spec.search_expressions import union_parts

DEFINITIONS = load_definitions()
BY_NAME = {p.url.rpartition("/")[2]: p for p in DEFINITIONS.search_parameters}


@pytest.mark.parametrize(
    ("parameter", "resource_type", "expected"),
    [
        pytest.param("clinical-date", "SupplyRequest", "SupplyRequest.authoredOn", id="one part of many"),
        pytest.param("clinical-date", "Patient", "", id="no part"),
        pytest.param(
            "Observation-value-quantity",
            "Observation",
            "(Observation.value as Quantity) | (Observation.value as SampledData)",
            id="two parts in parentheses",
        ),
        pytest.param(
            "individual-phone",
            "Person",
            "Person.telecom.where(system='phone')",
            id="a part with a condition of its own",
        ),
        pytest.param(
            "clinical-code", "DeviceRequest", "(DeviceRequest.code as CodeableConcept)", id="a part with a cast"
        ),
        pytest.param("Resource-id", "Patient", "Resource.id", id="a part of the parent's"),
        pytest.param("InsurancePlan-name", "InsurancePlan", "name | alias", id="parts that name no type"),
        pytest.param(
            "Patient-deceased",
            "Patient",
            "Patient.deceased.exists() and Patient.deceased != false",
            id="no union at all",
        ),
        pytest.param(
            "combo-code-value-quantity", "Observation", "Observation | Observation.component", id="the resource itself"
        ),
        pytest.param("clinical-date", "ObservationDefinition", "", id="a type whose name only begins alike"),
    ],
)
def test_a_type_gets_its_parts(parameter: str, resource_type: str, expected: str):
    found = next(p for name, p in BY_NAME.items() if name in {parameter, f"Observation-{parameter}"})
    assert DEFINITIONS.expression_for(found, resource_type) == expected


def test_every_type_of_every_parameter_gets_a_part_that_is_its_own():
    without = {
        (p.code, base)
        for p in DEFINITIONS.search_parameters
        for base in p.base
        if not DEFINITIONS.expression_for(p, base)
    }
    assert without == {
        ("_text", "DomainResource"),
        ("_content", "Resource"),
        ("_query", "Resource"),
        ("_filter", "Resource"),
        ("age", "Patient"),
        ("birthOrderBoolean", "Patient"),
        ("part-agree", "Patient"),  # the package's example says Patient and means DocumentReference
    }


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("a | b", ["a", "b"]),
        ("a.where(b | c) | d", ["a.where(b | c)", "d"]),
        ("a.where(x = '|') | b", ["a.where(x = '|')", "b"]),
        ("a.where(x = '\\'|') | b", ["a.where(x = '\\'|')", "b"]),
        ("`a|b` | c", ["`a|b`", "c"]),
        ("a as b | c", ["a as b", "c"]),
        ("a | b = c", ["a | b = c"]),
        ("a | b and c", ["a | b and c"]),
        ("a[0] | {}", ["a[0]", "{}"]),
        ("", []),
    ],
)
def test_a_union_is_cut_only_at_its_outermost_bars(expression: str, parts: list[str]):
    assert union_parts(expression) == parts


_part = st.recursive(
    st.sampled_from(["Patient.name", "'a | b'", "`x|y`", "value as Quantity", "%resource.code"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({' | '.join(parts)})"),
        inner.map(lambda part: f"Patient.name.where({part} = 'x')"),
    ),
    max_leaves=6,
)


@given(st.lists(_part, min_size=1, max_size=5))
def test_parts_that_were_joined_are_found_again(parts: list[str]):
    assert union_parts(" | ".join(parts)) == parts

"""Equal criteria have equal text, different ones different text."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search.reading import NOW, ReadQuery

from fhir_server.search.canonical import canonical_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Patient?name=a&gender=male", "Patient?gender=male&name=a", id="order of criteria"),
        pytest.param("Patient?gender=male,female", "Patient?gender=female,male", id="order of values"),
        pytest.param("Patient?gender=male,male", "Patient?gender=male", id="repeated values"),
        pytest.param("Patient?gender=male&gender=male", "Patient?gender=male", id="repeated criteria"),
        pytest.param("Patient?identifier=urn%3Amrn%7C1", "Patient?identifier=urn:mrn|1", id="percent-encoding"),
        pytest.param("Patient?birthdate=eq2000-01-01", "Patient?birthdate=2000-01-01", id="eq spelled out"),
        pytest.param(
            "Observation?date=2000-01-01T00:00:00Z", "Observation?date=2000-01-01T01:00:00%2B01:00", id="time zones"
        ),
        pytest.param("Patient?name=Éve", "Patient?name=eve", id="accents and case of a string"),
        pytest.param("Observation?subject:Patient=1", "Observation?subject:Patient=Patient/1", id="a reference's type"),
        pytest.param(
            "Observation?patient=Patient/1", "Observation?patient=http://here.example/fhir/Patient/1", id="our base"
        ),
        pytest.param("RiskAssessment?probability=gt0.50", "RiskAssessment?probability=gt0.5", id="zeros of gt"),
        pytest.param(
            "Patient?gender=http://hl7.org/fhir/administrative-gender|male", "Patient?gender=male", id="implied system"
        ),
        pytest.param("Patient?name=a&_count=5&_sort=name", "Patient?name=a", id="result parameters"),
        pytest.param("Observation?patient.name=a", "Observation?patient:Patient.name=a", id="the one type of a chain"),
    ],
)
def test_the_same_criteria_have_the_same_text(one, other, read_query: ReadQuery):
    assert canonical_key(read_query(one)) == canonical_key(read_query(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Patient?identifier=a", "Patient?identifier=b", id="value"),
        pytest.param("Patient?identifier=a|b", r"Patient?identifier=a\|b", id="escaped bar"),
        pytest.param("Patient?identifier=|b", "Patient?identifier=b", id="no system and any system"),
        pytest.param("Patient?name:exact=Eve", "Patient?name:exact=eve", id="case of :exact"),
        pytest.param("Patient?name:exact=eve", "Patient?name=eve", id="modifier"),
        pytest.param("Patient?name:missing=true", "Patient?name:missing=false", id="missing"),
        pytest.param("Patient?given=a", "Patient?family=a", id="parameter"),
        pytest.param("Patient?gender=male,female", "Patient?gender=male&gender=female", id="or and and"),
        pytest.param("RiskAssessment?probability=0.5", "RiskAssessment?probability=0.50", id="precision"),
        pytest.param("Patient?birthdate=gt2000", "Patient?birthdate=ge2000", id="prefix"),
        pytest.param("Observation?patient.name=a", "Observation?patient.family=a", id="end of a chain"),
        pytest.param("Patient?_has:Observation:patient:code=a", "Patient?_has:Condition:patient:code=a", id="_has"),
        pytest.param("Observation?subject=Patient/1", "Observation?patient=Patient/1", id="codes of one element"),
        pytest.param(
            "Observation?value-quantity=5||mg", "Observation?value-quantity=5|http://unitsofmeasure.org|mg", id="unit"
        ),
    ],
)
def test_different_criteria_have_different_text(one, other, read_query: ReadQuery):
    assert canonical_key(read_query(one)) != canonical_key(read_query(other))


def test_the_type_is_part_of_the_text(read_query: ReadQuery):
    assert canonical_key(read_query("Patient?identifier=a")) != canonical_key(read_query("Practitioner?identifier=a"))


def test_ap_does_not_move_with_the_clock(read_query: ReadQuery):
    query = "Patient?birthdate=ap2000-01-01"
    assert canonical_key(read_query(query)) == canonical_key(read_query(query, now=NOW + 86_400_000_000))


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(values=st.lists(TEXT, min_size=1, max_size=4), other=TEXT)
def test_any_permutation_of_any_values_is_the_same(values, other, read_query: ReadQuery):
    def escaped(text: str) -> str:
        for special in "\\,|$":
            text = text.replace(special, "\\" + special)
        return quote(text, safe="")

    def ask(first, second):
        return f"Patient?identifier={','.join(map(escaped, first))}&telecom={escaped(second)}"

    forwards = canonical_key(read_query(ask(values, other)))
    backwards = canonical_key(read_query(ask([*reversed(values), values[0]], other)))
    assert forwards == backwards
    codes = {value.code for value in read_query(ask(values, other)).criteria[0].values}
    assert codes == set(values)

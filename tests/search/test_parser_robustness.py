"""Whatever a client sends is read or refused: no name and no value is a fault."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search.reading import BASE_URL, NOW, ReadQuery

from fhir_server.kernel.errors import BadRequest
from fhir_server.kernel.settings import Settings
from fhir_server.search.canonical import canonical_key
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.parser import parse_search
from fhir_server.spec.packages import load_definitions

PIECES = st.sampled_from(
    ["eq", "ne", "ap", "sa", "1", "-", "+", ".", "e", "E", "2020", "-01", "-31", "T", ":", "00", "Z", "|", "$", ",", "\\",
     "Patient/", "http://a.example/", "urn:", "#", "/_history/", "true", "a", "é", " ", "\u0000", "\ud800", "*", "%"]
)  # fmt: skip
VALUES = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=20))
NAME_PIECES = st.sampled_from(
    ["_has", ":", ".", "Observation", "Patient", "patient", "subject", "name", "code", "_sort", "_include", "iterate",
     "exact", "missing", "not", "_id", "*", "_type", "", "_count", "_elements", "é"]
)  # fmt: skip


@functools.cache
def parameters() -> SearchParameters:
    return SearchParameters(load_definitions())


@st.composite
def known_names(draw):
    """A type and one of its parameters, with a modifier or without."""
    known = parameters()
    resource_type = draw(st.sampled_from(known.definitions.resource_types))
    code = draw(st.sampled_from(sorted(known.of(resource_type))))
    modifiers = [
        "",
        ":missing",
        ":exact",
        ":contains",
        ":not",
        ":text",
        ":of-type",
        ":identifier",
        ":below",
        ":Patient",
    ]
    return resource_type, code + draw(st.sampled_from(modifiers))


def read(resource_type: str, name: str, value: str, *, lenient: bool) -> None:
    try:
        query = parse_search(
            resource_type,
            [(name, value)],
            parameters=parameters(),
            definitions=parameters().definitions,
            settings=Settings(),
            lenient=lenient,
            now=NOW,
            base_url=BASE_URL,
        )
    except BadRequest as refusal:
        said = refusal.diagnostics
    else:
        hash(query)
        said = canonical_key(query)
    assert said


@settings(max_examples=400)
@given(named=known_names(), value=VALUES)
def test_any_value_of_any_parameter_is_read_or_refused(named, value):
    read(*named, value, lenient=False)


@settings(max_examples=300)
@given(name=st.lists(NAME_PIECES, max_size=10).map("".join), value=VALUES, lenient=st.booleans())
def test_any_name_is_read_or_refused(name, value, lenient):
    read("Patient", name, value, lenient=lenient)


@pytest.mark.parametrize("number", ["1e999", "-1e-999", "0e0", "00012", "9" * 100], ids=str)
def test_numbers_at_the_edge_are_numbers(number, read_query: ReadQuery):
    (value,) = read_query(f"RiskAssessment?probability=ap{number}").criteria[0].values
    assert value.low < value.high

"""Through the door and into the house: odd ids, queries, headers and resources never make a fault."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FOUND = tomllib.loads((Path(__file__).parent / "cases" / "whole_house.toml").read_text()).get("case", [])

TEXTS = st.one_of(
    st.sampled_from(
        ["", "1", "Patient/1", "http://example.org|1", "|", "|1", "a|", "\\", "\\,", ",", "$", "2020", "2020-13", "ge2020-01-01",
         "eq", "gt1e999999", "1.10", "-1", "5.4|http://unitsofmeasure.org|mg", "true", "maybe", "'", '"', "%", "_", "*", ":",
         "\u0000", "é", "\U0001f600", "a" * 300, "9" * 40, "1e-400", "NaN", "0001-01-01", "9999-12-31T23:59:60Z", "urn:uuid:1"]
    ),
    st.text(max_size=10),
)  # fmt: skip
CODES = st.sampled_from(
    ["name", "birthdate", "identifier", "gender", "_id", "_lastUpdated", "_tag", "_profile", "_sort", "_count", "_include",
     "_revinclude", "_total", "_summary", "_elements", "_type", "_has:Observation:patient:code", "general-practitioner.name",
     "subject:Patient.name", "code", "value-quantity", "date", "combo-code-value-quantity", "near", "_since", "_at", "_cursor",
     "_text", "_content", "_filter", "_list", "_query", "url", "patient", "_contained", "length", "_security", "_source"]
)  # fmt: skip
MODIFIERS = st.sampled_from(
    ["", "", "", ":missing", ":exact", ":contains", ":not", ":text", ":identifier", ":Patient", ":below", ":x", ":"]
)
PAIRS = st.lists(st.tuples(CODES, MODIFIERS, TEXTS).map(lambda p: (p[0] + p[1], p[2])), max_size=3)
PLACES = st.sampled_from(
    ["Patient", "Observation", "Patient/1", "Patient/1/_history", "_history", "Patient/_history", "", "Patient/1/Observation",
     "Patient/1/*", "Location", "Patient/1/_history/1", "Patient/1/_history/x", "ValueSet", "Bundle", "metadata"]
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS.filter(str.isprintable)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["resourceType", "id", "meta", "name", "identifier", "subject", "reference", "value", "system", "extension", "url",
                 "contained", "text", "div", "status", "code", "coding", "valueQuantity", "_birthDate", "birthDate", "entry",
                 "request", "method", "resource", "fullUrl", "type", "versionId", "valueDateTime", "effectiveDateTime"]
            ), inner, max_size=4),
    ),
    max_leaves=12,
)  # fmt: skip
RESOURCES = st.tuples(
    st.sampled_from(["Patient", "Observation", "Bundle", "Basic", "Resource", "Location"]),
    st.dictionaries(st.sampled_from(["id", "name", "identifier", "meta", "entry", "status", "code", "subject", "type"]), JSON, max_size=4),
).map(lambda parts: {**parts[1], "resourceType": parts[0]})  # fmt: skip
SOUND = [
    {
        "resourceType": "Patient", "id": "1", "active": True, "birthDate": "1980-02-29", "gender": "female",
        "meta": {"profile": ["http://example.org/p"], "tag": [{"system": "http://example.org/t", "code": "a"}], "source": "urn:x"},
        "identifier": [{"system": "http://example.org/mrn", "value": "1", "type": {"coding": [{"code": "MR"}]}}],
        "name": [{"family": "Eve", "given": ["A", "B"], "period": {"start": "2020", "end": "2021-05"}}],
        "address": [{"line": ["x"], "city": "Bern", "postalCode": "3000"}], "deceasedDateTime": "2020-01-01T00:00:00Z",
        "telecom": [{"system": "phone", "value": "+41 31"}], "generalPractitioner": [{"reference": "Practitioner/1"}],
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
        "link": [{"other": {"reference": "#o"}, "type": "seealso"}], "contained": [{"resourceType": "Patient", "id": "o"}],
    },
    {
        "resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "x"}], "text": "y"},
        "effectivePeriod": {"start": "2020-01", "end": "2020-02-01T10:00:00+14:00"},
        "valueQuantity": {"value": 1.5, "comparator": "<", "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        "component": [{"code": {"coding": [{"code": "a"}]}, "valueQuantity": {"value": 1e3, "code": "mg"}},
                      {"code": {"text": "b"}, "valueCodeableConcept": {"coding": [{"code": "c"}]}}],
        "derivedFrom": [{"identifier": {"value": "1"}}], "hasMember": [{"reference": "urn:uuid:1"}],
    },
    {"resourceType": "Location", "position": {"longitude": 7.4, "latitude": 46.9}, "name": "x"},
    {"resourceType": "ValueSet", "status": "draft", "url": "http://example.org/v", "version": "1", "date": "2020"},
    {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/1"},
     "prediction": [{"probabilityDecimal": 0.25}]},
]  # fmt: skip
ODD = st.one_of(
    TEXTS, JSON, st.integers(), st.integers(min_value=10**30), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["0001", "9999-12-31", "9999-12-31T23:59:59.999999+14:00", "0001-01-01T00:00:00-14:00", "2020-06-30T23:59:60Z",
                     "Patient/1/_history/2", "http://localhost:8000/fhir/Patient/1", "https://x/Patient/1|2", "#", "Patient/", "?",
                     "Patient?identifier=1", "\u00a0", "\ufffd", "a" * 3000, 10**40, 1e-300, 1e300]),
)  # fmt: skip


@st.composite
def nearly_sound(draw):
    """A sound resource with one or two places changed."""
    resource = json.loads(json.dumps(draw(st.sampled_from(SOUND))))
    for _ in range(draw(st.integers(1, 2))):
        inner = resource
        while isinstance(inner, (dict, list)) and inner:
            key = (
                draw(st.sampled_from(sorted(inner)))
                if isinstance(inner, dict)
                else draw(st.integers(0, len(inner) - 1))
            )
            if not isinstance(inner[key], (dict, list)) or draw(st.integers(0, 3)) == 0:
                inner[key] = draw(ODD)
                break
            inner = inner[key]
    return resource


BUNDLES = st.tuples(
    st.sampled_from(["batch", "transaction"]),
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "resource": RESOURCES,
                "fullUrl": TEXTS,
                "request": st.fixed_dictionaries(
                    {},
                    optional={
                        "method": st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "x"]),
                        "url": st.one_of(
                            PLACES,
                            TEXTS,
                            st.sampled_from(["Patient?name=x", "Patient/1?x=y", "/Patient", "?", "Patient?"]),
                        ),
                        "ifMatch": TEXTS,
                        "ifNoneExist": TEXTS,
                        "ifModifiedSince": TEXTS,
                    },
                ),
            },
        ),
        max_size=3,
    ),
).map(lambda parts: {"resourceType": "Bundle", "type": parts[0], "entry": parts[1]})
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


def sent(resource):
    return json.dumps(resource).encode()


def refuse_faults(answer):
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    if answer.status_code >= 400:
        assert answer.json()["resourceType"] == "OperationOutcome"


@given(place=PLACES, pairs=PAIRS, lenient=st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
def test_odd_queries_are_answered(fhir_server, place, pairs, lenient):
    headers = {"prefer": "handling=lenient"} if lenient else {}
    refuse_faults(fhir_server.client.get("/" + place, params=pairs, headers=headers))


@given(
    resource=RESOURCES,
    how=st.sampled_from(["POST Patient", "PUT Patient/1", "PUT Patient?name=x", "POST Observation"]),
    exist=TEXTS,
)
@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
def test_odd_resources_are_answered(fhir_server, resource, how, exist):
    method, place = how.split()
    headers = {"content-type": "application/json"}
    if exist.isprintable():
        headers["if-none-exist"] = exist.encode()
    refuse_faults(fhir_server.client.request(method, "/" + place, content=json.dumps(resource), headers=headers))


@given(resource=nearly_sound())
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
def test_nearly_sound_resources_are_answered(fhir_server, resource):
    place = resource["resourceType"] if isinstance(resource["resourceType"], str) else "Patient"
    answer = fhir_server.client.post(
        "/" + quote(place, safe=""), content=sent(resource), headers={"content-type": "application/json"}
    )
    refuse_faults(answer)
    if answer.status_code == 201:
        refuse_faults(fhir_server.client.get(answer.headers["location"], headers={"accept": "application/fhir+xml"}))
        refuse_faults(fhir_server.client.get(answer.headers["location"] + "?_summary=true"))


@given(bundle=BUNDLES)
@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
def test_odd_bundles_are_answered(fhir_server, bundle):
    answer = fhir_server.client.post("", content=json.dumps(bundle), headers={"content-type": "application/json"})
    refuse_faults(answer)
    for entry in answer.json().get("entry", []):
        assert not entry["response"]["status"].startswith("500")


@pytest.mark.parametrize("case", FOUND, ids=[case["name"] for case in FOUND])
def test_what_fuzzing_found_stays_fixed(fhir_server, case):
    headers = {"content-type": "application/json", **case.get("headers", {})}
    answer = fhir_server.client.request(case["method"], case["target"], content=case.get("body", ""), headers=headers)
    refuse_faults(answer)
    assert answer.status_code == case["status"]

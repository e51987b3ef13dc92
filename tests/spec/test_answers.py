"""The Bundles and OperationOutcomes a server answers with."""

from __future__ import annotations

import json

import msgspec
import pytest

from fhir_server.kernel.errors import Issue
from fhir_server.spec import bundle
from fhir_server.spec.outcome import operation_outcome
from fhir_server.spec.packages import load_definitions

DEFINITIONS = load_definitions()
PATIENT = {"resourceType": "Patient", "id": "p"}
LINKS = [("self", "http://example.org/fhir/Patient")]


def test_an_issue_becomes_a_line_with_its_place():
    outcome = operation_outcome([Issue("error", "required", "A code is missing.", "Observation.code")])
    assert outcome == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "diagnostics": "A code is missing.",
                "expression": ["Observation.code"],
            }
        ],
    }


def test_what_an_issue_does_not_say_is_left_out():
    assert operation_outcome([Issue("error", "invalid", "")])["issue"] == [{"severity": "error", "code": "invalid"}]


def test_issues_keep_their_order():
    issues = [Issue("warning", "informational", "b"), Issue("error", "invalid", "a")]
    assert [i["diagnostics"] for i in operation_outcome(issues)["issue"]] == ["b", "a"]


def test_no_issue_is_said_too():
    assert [i["severity"] for i in operation_outcome([])["issue"]] == ["information"]


def test_a_searchset_holds_its_entries_links_and_total():
    entries = [
        bundle.match_entry("http://example.org/fhir/Patient/p", PATIENT),
        bundle.outcome_entry(operation_outcome([])),
    ]
    answer = bundle.searchset(entries, links=LINKS, total=0)
    assert (answer["type"], answer["total"]) == ("searchset", 0)
    assert answer["link"] == [{"relation": "self", "url": "http://example.org/fhir/Patient"}]
    assert [e["search"]["mode"] for e in answer["entry"]] == ["match", "outcome"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(bundle.searchset([], links=LINKS), id="a search without matches"),
        pytest.param(bundle.history([], links=[]), id="a history without versions"),
        pytest.param(bundle.response_bundle("batch-response", []), id="an empty batch"),
    ],
)
def test_an_empty_bundle_has_no_empty_arrays_and_claims_no_total(answer: dict):
    assert all(answer.values())
    assert not {"entry", "total"} & set(answer)


def test_a_deletion_in_a_history_has_no_resource():
    told = {"url": "Patient/p", "status": "204 No Content", "etag": 'W/"2"', "last_modified": "2026-01-01T00:00:00Z"}
    entry = bundle.history_entry("http://example.org/fhir/Patient/p", None, method="DELETE", **told)
    assert "resource" not in entry
    assert entry["response"] == {"status": "204 No Content", "etag": 'W/"2"', "lastModified": "2026-01-01T00:00:00Z"}


def test_a_response_says_only_what_there_is():
    assert bundle.response_entry("204 No Content") == {"response": {"status": "204 No Content"}}
    created = bundle.response_entry("201 Created", location="Patient/p/_history/1", etag='W/"1"', resource=PATIENT)
    assert created["response"] == {"status": "201 Created", "location": "Patient/p/_history/1", "etag": 'W/"1"'}


def test_stored_bytes_pass_untouched():
    raw = msgspec.Raw(b'{"resourceType":"Patient","multipleBirthInteger":1.10}')
    answer = bundle.searchset([bundle.include_entry("http://example.org/fhir/Patient/p", raw)], links=LINKS)
    assert b'"multipleBirthInteger":1.10' in msgspec.json.encode(answer)


def test_properties_stand_in_the_order_of_the_definition():
    told = {"url": "Patient/p", "status": "200 OK", "etag": 'W/"1"', "last_modified": "2026-01-01T00:00:00Z"}
    entry = bundle.history_entry("http://example.org/fhir/Patient/p", PATIENT, method="PUT", **told)
    answer = bundle.history([entry], links=LINKS, total=1, timestamp="2026-01-01T00:00:00Z")
    for structure, content in (
        ("Bundle", answer),
        ("Bundle.entry", entry),
        ("Bundle.entry.response", entry["response"]),
    ):
        order = list(DEFINITIONS.structure(structure).json_names)
        names = [n for n in json.loads(json.dumps(content)) if n != "resourceType"]
        assert names == sorted(names, key=order.index)

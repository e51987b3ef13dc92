"""`_summary` and `_elements`, mode by mode."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fhir_server.spec.packages import load_definitions
from fhir_server.spec.summary import SUBSETTED, select_elements, summarise

SHARED = Path(os.environ.get("FHIR_SHARED", Path(__file__).resolve().parents[3] / "shared"))
EXAMPLES = SHARED / "samples" / "r4-examples"
DEFINITIONS = load_definitions()

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "meta": {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z"},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    "extension": [{"url": "http://example.org/a", "valueString": "a"}],
    "modifierExtension": [{"url": "http://example.org/m", "valueString": "m"}],
    "status": "final",
    "_status": {"extension": [{"url": "http://example.org/s", "valueString": "s"}]},
    "category": [{"text": "laboratory"}],
    "code": {"id": "c", "coding": [{"system": "http://loinc.org", "code": "1-8"}], "text": "a code"},
    "valueQuantity": {"value": 1, "unit": "mg"},
    "note": [{"text": "a note"}],
    "component": [
        {"code": {"text": "part"}, "dataAbsentReason": {"text": "none"}, "interpretation": [{"text": "high"}]},
    ],
}


def summary(resource: dict[str, Any], mode: str) -> dict[str, Any]:
    before = copy.deepcopy(resource)
    shown = summarise(resource, mode, DEFINITIONS)
    assert resource == before
    return shown


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        pytest.param(
            "true", "modifierExtension status _status code valueQuantity component", id="true: the marked ones"
        ),
        pytest.param("text", "text modifierExtension status _status code", id="text: the narrative and what must stay"),
        pytest.param("count", "modifierExtension status _status code", id="count: what must stay"),
        pytest.param(
            "data",
            "extension modifierExtension status _status category code valueQuantity note component",
            id="data: all but the narrative",
        ),
    ],
)
def test_a_mode_keeps_its_elements(mode: str, kept: str):
    assert set(summary(OBSERVATION, mode)) == {"resourceType", "id", "meta", *kept.split()}


def test_false_is_the_whole_resource_without_a_tag():
    assert summary(OBSERVATION, "false") == OBSERVATION


def test_an_unknown_mode_is_a_value_error():
    with pytest.raises(ValueError, match="sometimes"):
        summarise(OBSERVATION, "sometimes", DEFINITIONS)


@pytest.mark.parametrize("mode", ["true", "text", "data", "count"])
def test_a_part_is_tagged_and_says_its_version(mode: str):
    shown = summary(OBSERVATION, mode)
    assert shown["meta"] == {**OBSERVATION["meta"], "tag": [SUBSETTED]}
    assert list(shown)[:3] == ["resourceType", "id", "meta"]


def test_tags_of_the_resource_stay_and_the_new_one_comes_once():
    mine = {"system": "http://example.org", "code": "mine"}
    resource = {"resourceType": "Patient", "meta": {"tag": [mine]}}
    once = summary(resource, "true")
    assert once["meta"]["tag"] == [mine, SUBSETTED]
    assert summary(once, "true") == once


def test_a_resource_without_meta_gets_one():
    assert summary({"resourceType": "Patient", "id": "p"}, "true")["meta"] == {"tag": [SUBSETTED]}


def test_marks_are_honoured_inside_elements():
    shown = summary(OBSERVATION, "true")
    assert shown["component"] == [{"code": {"text": "part"}}]
    assert shown["code"] == {"coding": [{"system": "http://loinc.org", "code": "1-8"}], "text": "a code"}


def test_an_extension_is_shown_whole_or_not_at_all():
    assert summary(OBSERVATION, "true")["modifierExtension"] == OBSERVATION["modifierExtension"]


def test_what_is_told_elsewhere_is_marked_there():
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"id": "x", "link": [{"id": "y", "relation": "self", "url": "http://example.org"}]}],
    }
    assert summary(bundle, "true")["entry"] == [{"link": [{"relation": "self", "url": "http://example.org"}]}]


def test_resources_in_a_bundle_are_summarised_by_their_own_type():
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {"resourceType": "Patient", "id": "p", "active": True, "photo": [{"url": "http://x"}]}}],
    }
    assert summary(bundle, "true")["entry"][0]["resource"] == {"resourceType": "Patient", "id": "p", "active": True}


def test_an_element_called_resource_type_makes_no_resource():
    scenario = {
        "resourceType": "ExampleScenario",
        "status": "draft",
        "instance": [{"resourceId": "a", "resourceType": "Patient", "name": "b"}],
    }
    assert "instance" not in summary(scenario, "true")
    assert summary(scenario, "data")["instance"] == scenario["instance"]


def test_nothing_is_left_empty():
    resource = {"resourceType": "Patient", "name": [{"id": "only-an-id"}], "birthDate": "2000"}
    assert "name" not in summary(resource, "true")


def test_a_mandatory_element_with_nothing_marked_is_kept_whole():
    appointment = {"resourceType": "Appointment", "status": "booked", "participant": [{"status": "accepted"}]}
    assert summary(appointment, "true")["participant"] == [{"status": "accepted"}]


def test_primitives_with_siblings_stay_side_by_side():
    name = {"given": [None, "Eve"], "_given": [{"extension": [{"url": "http://x", "valueCode": "u"}]}, None]}
    assert summary({"resourceType": "Patient", "name": [name]}, "true")["name"] == [name]


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        pytest.param(["note"], "note status _status code", id="an element, and the mandatory ones"),
        pytest.param(["value"], "valueQuantity status _status code", id="a choice by its element"),
        pytest.param(["value[x]"], "valueQuantity status _status code", id="a choice as the definition writes it"),
        pytest.param(["valueQuantity"], "valueQuantity status _status code", id="a choice by its property"),
        pytest.param(["valueString"], "status _status code", id="a choice by a property that is not there"),
        pytest.param(["Observation.note"], "note status _status code", id="an element after its type"),
        pytest.param(["Patient.note"], "status _status code", id="an element of another type"),
        pytest.param(["note", "category"], "note category status _status code", id="two elements"),
        pytest.param(["nothing"], "status _status code", id="an element that does not exist"),
    ],
)
def test_elements_are_selected_by_name(names: list[str], kept: str):
    shown = select_elements(OBSERVATION, names, DEFINITIONS)
    assert set(shown) == {"resourceType", "id", "meta", "modifierExtension", *kept.split()}
    assert shown["meta"]["tag"] == [SUBSETTED]


def test_a_selected_element_is_whole():
    assert select_elements(OBSERVATION, ["component"], DEFINITIONS)["component"] == OBSERVATION["component"]


def is_part(part: Any, whole: Any) -> bool:
    if isinstance(part, dict):
        return bool(part) and all(name in whole and is_part(value, whole[name]) for name, value in part.items())
    if isinstance(part, list):
        rest = iter(whole)
        return bool(part) and all(any(is_part(item, other) for other in rest) for item in part)
    return bool(part == whole)


@pytest.mark.skipif(not EXAMPLES.exists(), reason="samples/r4-examples is not here")
@pytest.mark.parametrize("mode", ["true", "text", "data", "count"])
def test_a_summary_is_a_part_of_the_resource_and_its_own_summary(mode: str):
    for path in sorted(EXAMPLES.glob("*.json")):
        resource = json.loads(path.read_text(encoding="utf-8"))
        shown = summarise(resource, mode, DEFINITIONS)
        tagged = {**resource, "meta": {**resource.get("meta", {}), "tag": shown["meta"]["tag"]}}
        assert is_part(shown, tagged), path.name
        assert summarise(shown, mode, DEFINITIONS) == shown, path.name
        mandatory = {e.name for e in DEFINITIONS.structure(resource["resourceType"]).elements if e.minimum}
        assert {n for n in resource if n in mandatory} <= set(shown), path.name

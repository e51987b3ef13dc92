"""What the structure of R4 forbids is refused: with the issue's code, at the exact place."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from fhir_server.spec.packages import load_definitions
from fhir_server.validator.report import MAX_ISSUES
from fhir_server.validator.validate import Validator

VALIDATOR = Validator(load_definitions())
EXTENSION = {"url": "http://a", "valueString": "a"}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


def patient(**members):
    return {"resourceType": "Patient", **members}


def observation(**members):
    return {"resourceType": "Observation", "status": "final", "code": {"text": "a"}, **members}


def told(resource):
    return [(i.code, i.expression) for i in VALIDATOR.check(resource)]


CASES = [
    # resources
    pytest.param(None, "structure", "Resource", id="null is no resource"),
    pytest.param([], "structure", "Resource", id="an array is no resource"),
    pytest.param({}, "structure", "Resource", id="resourceType missing"),
    pytest.param({"resourceType": 5}, "structure", "Resource", id="resourceType is a number"),
    pytest.param({"resourceType": "Pateint"}, "structure", "Pateint", id="an unknown type"),
    pytest.param({"resourceType": "DomainResource"}, "structure", "DomainResource", id="an abstract type"),
    pytest.param({"resourceType": "HumanName"}, "structure", "HumanName", id="a data type"),
    pytest.param(patient(id="a b"), "value", "Patient.id", id="an id with a space"),
    pytest.param(patient(id="a" * 65), "value", "Patient.id", id="an id of 65 characters"),
    # unknown elements, cardinality
    pytest.param(patient(nam=[]), "structure", "Patient.nam", id="an unknown element"),
    pytest.param(patient(contact=[{"name": {}, "nam": 1}]), "structure", "Patient.contact[0].name", id="empty"),
    pytest.param({"resourceType": "Observation"}, "required", "Observation.status", id="a required element"),
    pytest.param(patient(link=[{"type": "refer"}]), "required", "Patient.link[0].other", id="a required reference"),
    pytest.param({"resourceType": "Basic", "code": {"text": "a"}, "contained": [{"resourceType": "Observation"}]},
                 "required", "Basic.contained[0].status", id="a required element of a contained resource"),
    pytest.param(patient(name={"family": "a"}), "structure", "Patient.name", id="an object for an array"),
    pytest.param(patient(name=[{"given": "a"}]), "structure", "Patient.name[0].given", id="a text for an array"),
    pytest.param(patient(birthDate=["2020"]), "structure", "Patient.birthDate", id="an array for a value"),
    pytest.param(patient(maritalStatus=[{}]), "structure", "Patient.maritalStatus", id="an array for an object"),
    pytest.param(patient(name=[]), "structure", "Patient.name", id="an empty array"),
    pytest.param(patient(name=[{}]), "structure", "Patient.name[0]", id="an empty object"),
    pytest.param(patient(name=[{"family": ""}]), "value", "Patient.name[0].family", id="an empty text"),
    pytest.param(patient(name=[{"given": ["a", ""]}]), "value", "Patient.name[0].given[1]", id="an empty text in a list"),
    pytest.param(patient(name=[None]), "structure", "Patient.name[0]", id="null in a list of objects"),
    pytest.param(patient(birthDate=None), "structure", "Patient.birthDate", id="null"),
    # JSON types and formats
    pytest.param(patient(active="true"), "structure", "Patient.active", id="a text for a boolean"),
    pytest.param(patient(active=1), "structure", "Patient.active", id="a number for a boolean"),
    pytest.param(patient(multipleBirthInteger="5"), "structure", "Patient.multipleBirth.ofType(integer)", id="a text for an integer"),
    pytest.param(patient(multipleBirthInteger=True), "structure", "Patient.multipleBirth.ofType(integer)", id="a boolean for an integer"),
    pytest.param(patient(multipleBirthInteger=Decimal("5.0")), "value", "Patient.multipleBirth.ofType(integer)", id="5.0 for an integer"),
    pytest.param(observation(valueQuantity={"value": "5"}), "structure", "Observation.value.ofType(Quantity).value", id="a text for a decimal"),
    pytest.param(observation(valueQuantity=5), "structure", "Observation.value.ofType(Quantity)", id="a number for an object"),
    pytest.param(patient(birthDate=2020), "structure", "Patient.birthDate", id="a number for a date"),
    pytest.param(patient(birthDate="2023-02-29"), "value", "Patient.birthDate", id="a day that is not"),
    pytest.param(observation(effectiveDateTime="2023-01-01T10:00:00"), "value", "Observation.effective.ofType(dateTime)", id="a time without a zone"),
    pytest.param(patient(photo=[{"data": "a==="}]), "value", "Patient.photo[0].data", id="no base64"),
    pytest.param(patient(meta={"profile": ["a b"]}), "value", "Patient.meta.profile[0]", id="a uri with a space"),
    # choices
    pytest.param(patient(deceasedBoolean=True, deceasedDateTime="2020"), "structure", "Patient.deceased", id="two of a choice"),
    pytest.param(patient(deceasedBoolean=True, _deceasedDateTime={"extension": [EXTENSION]}), "structure", "Patient.deceased", id="two of a choice, one a sibling"),
    pytest.param(patient(deceasedString="a"), "structure", "Patient.deceasedString", id="a type the choice has not"),
    pytest.param(patient(deceased=True), "structure", "Patient.deceased", id="a choice without a type"),
    # siblings
    pytest.param(patient(_birthDate={}), "structure", "Patient.birthDate", id="an empty sibling"),
    pytest.param(patient(_birthDate=[{"extension": [EXTENSION]}]), "structure", "Patient.birthDate", id="a sibling that is an array"),
    pytest.param(patient(_birthDate={"id": "a"}), "required", "Patient.birthDate", id="a sibling with only an id, no value"),
    pytest.param(patient(birthDate="2020", _birthDate={"value": "a"}), "structure", "Patient.birthDate.value", id="an unknown member of a sibling"),
    pytest.param(patient(_name=[{"id": "a"}]), "structure", "Patient.name", id="a sibling of an object"),
    pytest.param(patient(name=[{"given": ["a", None]}]), "structure", "Patient.name[0].given[1]", id="null without a sibling"),
    pytest.param(patient(name=[{"given": ["a"], "_given": [None, {"id": "a"}]}]), "structure", "Patient.name[0].given", id="arrays of two lengths"),
    pytest.param(patient(name=[{"given": ["a"], "_given": {"id": "a"}}]), "structure", "Patient.name[0].given", id="an object beside an array"),
    pytest.param(patient(name=[{"_given": [None]}]), "structure", "Patient.name[0].given[0]", id="null in both arrays"),
    # extensions
    pytest.param(patient(extension=[{"valueString": "a"}]), "required", "Patient.extension[0].url", id="an extension without a url"),
    pytest.param(patient(extension=[{"url": "http://a"}]), "structure", "Patient.extension[0]", id="an extension without a value"),
    pytest.param(patient(extension=[{**EXTENSION, "extension": [EXTENSION]}]), "structure", "Patient.extension[0]", id="a value and extensions"),
    pytest.param(patient(extension=[{"url": "http://a", "extension": [{"url": "b"}]}]), "structure", "Patient.extension[0].extension[0]", id="a nested one without a value"),
    # bindings
    pytest.param(patient(gender="femal"), "code-invalid", "Patient.gender", id="a code that is not in the value set"),
    pytest.param(patient(gender="fe male "), "value", "Patient.gender", id="a code that is none"),
    pytest.param(patient(contact=[{"gender": "x"}]), "code-invalid", "Patient.contact[0].gender", id="in a backbone element"),
    pytest.param({"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}, "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "on"}]}},
                 "code-invalid", "AllergyIntolerance.clinicalStatus.coding[0]", id="a concept that is not in the value set"),
    pytest.param({"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}, "clinicalStatus": {"text": "active"}},
                 "code-invalid", "AllergyIntolerance.clinicalStatus", id="a required concept of text alone"),
    # references
    pytest.param(patient(managingOrganization={"reference": "Patient/1"}), "value", "Patient.managingOrganization.reference", id="a type the element does not allow"),
    pytest.param(patient(managingOrganization={"reference": "http://a/fhir/Patient/1"}), "value", "Patient.managingOrganization.reference", id="the same, absolute"),
    pytest.param(patient(managingOrganization={"reference": "Patient?identifier=a"}), "value", "Patient.managingOrganization.reference", id="the same, conditional"),
    pytest.param(patient(managingOrganization={"reference": "Organisation/1"}), "value", "Patient.managingOrganization.reference", id="an unknown type"),
    pytest.param(patient(managingOrganization={"reference": "1"}), "value", "Patient.managingOrganization.reference", id="an id alone"),
    pytest.param(patient(managingOrganization={"reference": "#a"}), "value", "Patient.managingOrganization.reference", id="nothing contained"),
    pytest.param(patient(contained=[{"resourceType": "Patient", "id": "a"}], managingOrganization={"reference": "#a"}), "value", "Patient.managingOrganization.reference", id="contained, of a wrong type"),
    pytest.param(patient(generalPractitioner=[{"reference": "Organization/1", "type": "Practitioner"}]), "value", "Patient.generalPractitioner[0].reference", id="another type than declared"),
    pytest.param(patient(managingOrganization={"reference": "Organization/1", "type": {}}), "structure", "Patient.managingOrganization.type", id="a declared type that is no text"),
    # contained
    pytest.param(patient(contained=[patient(contained=[patient()])]), "structure", "Patient.contained[0].contained", id="contained in contained"),
    pytest.param(patient(contained=[patient(id="a"), patient(id="b"), patient(id="a")]), "value", "Patient.contained[2].id", id="one id twice"),
    pytest.param(patient(contained=[{"id": "a"}]), "structure", "Patient.contained[0]", id="contained without a type"),
    pytest.param({"resourceType": "Bundle", "type": "batch", "entry": [{}, {"resource": patient(active="x")}]}, "structure", "Bundle.entry[0]", id="an empty entry"),
    pytest.param({"resourceType": "Bundle", "type": "batch", "entry": [{"resource": patient()}, {"resource": patient(active="x")}]}, "structure", "Bundle.entry[1].resource.active", id="in a Bundle"),
    pytest.param({"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {"resourceType": "Foo"}}]}, "structure", "Bundle.entry[0].resource", id="an unknown type in a Bundle"),
    pytest.param({"resourceType": "Parameters", "parameter": [{"name": "a", "part": [{"name": "b", "valueCode": ""}]}]}, "value", "Parameters.parameter[0].part[0].value.ofType(code)", id="in content told elsewhere"),
    # narrative
    *(pytest.param(patient(text={"status": "generated", "div": div}), "value", "Patient.text.div", id=name) for div, name in [
        ("<div>a</div>", "no XHTML namespace"),
        ("text", "no XML"),
        (DIV.format("<p>"), "not well-formed"),
        (DIV.format("&nbsp;"), "an entity XML does not have"),
        (DIV.format("<script>a</script>"), "a script"),
        (DIV.format("<SCRIPT>a</SCRIPT>"), "a script in capitals"),
        (DIV.format("<iframe/>"), "a frame"),
        (DIV.format("<object/>"), "an object"),
        (DIV.format("<form/>"), "a form"),
        (DIV.format('<svg xmlns="http://www.w3.org/2000/svg" onload="a"/>'), "another namespace"),
        (DIV.format('<p onclick="a">b</p>'), "an event handler"),
        (DIV.format('<p OnClick="a">b</p>'), "an event handler in mixed case"),
        (DIV.format('<a href=" java&#10;script:a">b</a>'), "a script as a link"),
        (DIV.format('<a href="data:text/html,a">b</a>'), "a page as a link"),
        (DIV.format('<p style="width: expres/**/sion(a)">b</p>'), "a script as a style"),
        (DIV.format("<?php a ?>"), "a processing instruction"),
        ('<?xml version="1.0"?>' + DIV.format("a"), "an XML declaration"),
        ("<!DOCTYPE div>" + DIV.format("a"), "a DOCTYPE"),
        ('<p xmlns="http://www.w3.org/1999/xhtml">a</p>', "another root"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "code", "place"), CASES)
def test_a_broken_rule_is_told_at_its_place(resource, code, place):
    assert told(resource)[:1] == [(code, place)]


VALID = [
    pytest.param(patient(), id="nothing but a type"),
    pytest.param(patient(_birthDate={"extension": [EXTENSION]}), id="a primitive of extensions alone"),
    pytest.param(patient(name=[{"given": ["a", None], "_given": [None, {"extension": [EXTENSION]}]}]), id="arrays filled with null"),
    pytest.param(patient(name=[{"_given": [{"extension": [EXTENSION]}]}]), id="a sibling array alone"),
    pytest.param(patient(extension=[{"url": "http://a", "extension": [{"url": "b", "valueCode": "c"}]}]), id="nested extensions"),
    pytest.param(patient(extension=[{"url": "http://a", "_valueString": {"extension": [EXTENSION]}}]), id="an extension of a value without one"),
    pytest.param(observation(valueQuantity={"value": 5}), id="an integer for a decimal"),
    pytest.param(observation(valueQuantity={"value": Decimal("5.00")}), id="a decimal"),
    pytest.param(patient(contained=[{"resourceType": "Organization", "id": "a"}], managingOrganization={"reference": "#a"}), id="a contained resource"),
    pytest.param(patient(contained=[{"resourceType": "Observation", "id": "a", "status": "final", "code": {"text": "a"}, "subject": {"reference": "#"}}]), id="the container"),
    pytest.param(patient(managingOrganization={"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}), id="a urn"),
    pytest.param(patient(managingOrganization={"reference": "http://a/whatever?x"}), id="a url that names no type"),
    pytest.param(patient(managingOrganization={"identifier": {"value": "a"}, "type": "Organization"}), id="a logical reference"),
    pytest.param({"resourceType": "Parameters", "parameter": [{"name": "a", "part": [{"name": "b", "resource": patient()}]}]}, id="Parameters with a resource"),
    pytest.param(patient(text={"status": "generated", "div": DIV.format('<!-- c --><img src="data:image/png;base64,AAAA" alt="a"/><a href="http://a#b" style="color: red">&#160;</a>')}), id="a lively narrative"),
]  # fmt: skip


@pytest.mark.parametrize("resource", VALID)
def test_what_r4_allows_is_valid(resource):
    assert told(resource) == []


def test_misspelled_elements_types_and_codes_get_a_suggestion():
    issues = VALIDATOR.check(patient(nam=[], gender="femal")) + VALIDATOR.check({"resourceType": "Pateint"})

    assert [i.diagnostics.rpartition("; ")[2] for i in issues] == [
        "did you mean 'name'?",
        "did you mean 'female'?",
        "did you mean 'Patient'?",
    ]


def test_a_choice_of_the_wrong_type_is_told_the_right_ones():
    (issue,) = VALIDATOR.check(patient(deceasedString="a"))

    assert "deceasedBoolean, deceasedDateTime" in issue.diagnostics


def test_all_that_is_wrong_is_told_together():
    broken = patient(active=1, birthDate="x", name=[{"given": [5, "a", 6]}], foo=1)

    assert told(broken) == [
        ("structure", "Patient.active"),
        ("value", "Patient.birthDate"),
        ("structure", "Patient.name[0].given[0]"),
        ("structure", "Patient.name[0].given[2]"),
        ("structure", "Patient.foo"),
    ]


def test_issues_are_cut_off_and_a_last_line_says_so():
    issues = VALIDATOR.check(patient(**{f"x{i}": 1 for i in range(10_000)}))

    assert len(issues) == MAX_ISSUES + 1
    assert issues[-1].severity == "information"
    assert str(MAX_ISSUES) in issues[-1].diagnostics


def test_exactly_as_many_issues_as_are_told_need_no_last_line():
    assert {i.severity for i in VALIDATOR.check(patient(**{f"x{i}": 1 for i in range(MAX_ISSUES)}))} == {"error"}


def test_depth_is_no_fault_of_the_server():
    nested = {"url": "http://a", "valueString": "a"}
    for _ in range(100_000):
        nested = {"url": "http://a", "extension": [nested]}

    assert told(patient(extension=[nested])) == [("too-costly", "")]


def test_long_names_cost_no_time():
    begin = time.perf_counter()
    issues = VALIDATOR.check(patient(**{"n" * 1_000_000 + str(i): 1 for i in range(50)}))

    assert {i.expression for i in issues} == {"Patient"}
    assert max(len(i.diagnostics) for i in issues) < 120
    assert time.perf_counter() - begin < 1


def test_the_narrative_never_reads_a_file_or_the_network():
    evil = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + DIV.format("&x;")

    (issue,) = VALIDATOR.check(patient(text={"status": "generated", "div": evil}))
    assert "DOCTYPE" in issue.diagnostics
    assert "root:" not in issue.diagnostics

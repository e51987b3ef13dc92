"""Chains, `_has` and compartments, alone, nested and mixed."""

from __future__ import annotations

import pytest

from tests.search.search_desk import desk_with

pytestmark = pytest.mark.asyncio(loop_scope="module")


def of(resource_type, id_, **rest):
    return {"resourceType": resource_type, "id": id_, **rest}


def to(reference):
    return {"reference": reference}


def code(value):
    return {"coding": [{"system": "http://loinc.org", "code": value}]}


CLINIC = [
    of("Organization", "north", name="North Clinic"),
    of("Organization", "ward", name="Ward", active=True, identifier=[{"value": "w"}], partOf=to("Organization/north")),
    of("Organization", "bed", name="Bed", partOf=to("Organization/ward")),
    of("Practitioner", "doc", name=[{"family": "Healer"}], identifier=[{"value": "d1"}]),
    of("Patient", "eve", gender="female", name=[{"family": "Evening"}], managingOrganization=to("Organization/ward"),
       generalPractitioner=[to("Practitioner/doc")]),
    of("Patient", "adam", gender="male", name=[{"family": "Morning"}], managingOrganization=to("Organization/north")),
    of("Patient", "lone", gender="male", name=[{"family": "Evening"}]),
    of("Group", "g1", type="person", actual=True, identifier=[{"value": "g1"}]),
    of("Encounter", "visit", status="finished", subject=to("Patient/eve"), serviceProvider=to("Organization/ward"),
       **{"class": {"code": "AMB"}}),
    of("Encounter", "stay", status="in-progress", subject=to("Patient/adam"), **{"class": {"code": "IMP"}}),
    of("Observation", "o1", status="final", code=code("1-1"), subject=to("Patient/eve"), encounter=to("Encounter/visit"),
       performer=[to("Practitioner/doc")], valueQuantity={"value": 5}),
    of("Observation", "o2", status="preliminary", code=code("2-2"), subject=to("Patient/adam"), encounter=to("Encounter/stay"),
       performer=[to("Organization/north")]),
    of("Observation", "o3", status="final", code=code("1-1"), subject=to("Group/g1")),
    of("Observation", "o4", status="final", code=code("1-1"), subject=to("http://elsewhere.example/fhir/Patient/eve")),
    of("Observation", "o5", status="final", code=code("1-1"), performer=[to("Patient/eve")], derivedFrom=[to("Observation/o1")]),
    of("DiagnosticReport", "rep", status="final", code=code("r"), subject=to("Patient/eve"), result=[to("Observation/o1")]),
    of("Provenance", "prov", recorded="2024-01-01T00:00:00Z", target=[to("Observation/o1"), to("Observation/o2")],
       agent=[{"who": to("Practitioner/doc")}]),
    of("StructureMap", "outside", url="http://x.example/map", name="M", status="draft"),
]  # fmt: skip

desk = desk_with(CLINIC)

CASES = [
    # forward
    ("Observation?subject:Patient.family=evening", "o1"),
    ("Observation?patient.family=evening,morning", "o1 o2"),
    ("Observation?patient.gender=male", "o2"),
    ("Observation?subject:Group.identifier=g1", "o3"),
    ("Observation?subject.identifier=g1", "o3"),
    ("Observation?subject.name=ev", "o1"),
    ("Observation?performer:Practitioner.family=heal", "o1"),
    ("Observation?performer:Organization.name=north", "o2"),
    ("Observation?performer:Patient.gender=female", "o5"),
    ("Observation?encounter.status=finished", "o1"),
    ("Observation?encounter.status=finished&status=final", "o1"),
    ("Observation?encounter.status=finished&status=preliminary", ""),
    ("Observation?patient.family:exact=evening", ""),
    ("Observation?patient.gender:not=male", "o1"),
    ("Observation?patient._id=eve", "o1"),
    ("Observation?patient.organization:missing=false", "o1 o2"),
    ("Patient?organization.name=ward", "eve"),
    # of a type to itself: what points to a match is no target of it
    ("Organization?partof.active=true", "bed"),
    ("Organization?partof.identifier=w", "bed"),
    ("Observation?derived-from:Observation.status=final", "o5"),
    ("Organization?_has:Organization:partof:active=true", "north"),
    ("Organization?_has:Organization:partof:identifier=w", "north"),
    # several steps
    ("Observation?patient.organization.name=north", "o2"),
    ("Observation?encounter.service-provider.partof.name=north", "o1"),
    ("Observation?encounter:Encounter.subject:Patient.general-practitioner:Practitioner.family=healer", "o1"),
    ("DiagnosticReport?result.encounter.service-provider.name=ward", "rep"),
    # reverse
    ("Patient?_has:Observation:patient:code=1-1", "eve"),
    ("Patient?_has:Observation:patient:code=2-2", "adam"),
    ("Patient?_has:Observation:performer:code=1-1", "eve"),
    ("Patient?_has:Observation:subject:code=1-1&gender=female", "eve"),
    ("Patient?_has:Observation:subject:code=1-1&gender=male", ""),
    ("Patient?_has:Observation:patient:value-quantity=gt4", "eve"),
    ("Practitioner?_has:Observation:performer:status=final", "doc"),
    ("Organization?_has:Encounter:service-provider:class=AMB", "ward"),
    ("Organization?_has:Encounter:service-provider:class=IMP", ""),
    ("Observation?_has:DiagnosticReport:result:status=final", "o1"),
    # nested and mixed
    ("Organization?_has:Patient:organization:_has:Observation:patient:code=1-1", "ward"),
    ("Practitioner?_has:Patient:general-practitioner:_has:Encounter:subject:status=finished", "doc"),
    ("Observation?patient._has:Encounter:subject:class=IMP", "o2"),
    ("Patient?_has:Observation:subject:encounter.status=in-progress", "adam"),
    ("Observation?_has:Provenance:target:agent:Practitioner.identifier=d1", "o1 o2"),
    ("Patient?_has:Observation:patient:_has:Provenance:target:agent=Practitioner/doc", "eve adam"),
    # compartments
    ("Patient/eve/Observation", "o1 o5"),
    ("Patient/eve/Observation?code=1-1&status=final", "o1 o5"),
    ("Patient/eve/Observation?encounter.status=finished", "o1"),
    ("Patient/adam/Observation", "o2"),
    ("Patient/nobody/Observation", ""),
    ("Patient/eve/Patient", "eve"),
    ("Patient/eve/StructureMap", ""),
    ("Patient/eve/Organization", ""),
    ("Practitioner/doc/Observation", "o1"),
    ("Encounter/visit/Observation", "o1"),
    ("Encounter/stay/Observation", "o2"),
    ("Device/none/Observation", ""),
    ("Patient/eve/*", "eve visit o1 o5 rep"),
    ("Patient/eve/*?_type=Encounter,DiagnosticReport", "visit rep"),
    ("Patient/eve/*?_type=StructureMap", ""),
]


@pytest.mark.parametrize(("url", "expected"), [pytest.param(*case, id=case[0]) for case in CASES])
async def test_what_is_reached_through_references(desk, url, expected):
    assert set(await desk.ids(url)) == set(expected.split())

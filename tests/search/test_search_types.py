"""Each parameter type with its prefixes and modifiers, on a small clinic: what is found is listed, case by case."""

from __future__ import annotations

import pytest

from tests.search.search_desk import desk_with

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOINC, UCUM, LOCAL = "http://loinc.org", "http://unitsofmeasure.org", "http://clinic.example/codes"


def patient(id_, **rest):
    return {"resourceType": "Patient", "id": id_, **rest}


def observation(id_, **rest):
    return {"resourceType": "Observation", "id": id_, "status": "final", **rest}


def coded(code, system=LOINC, display=None, text=None):
    coding = {"code": code, **({"system": system} if system else {}), **({"display": display} if display else {})}
    return {"coding": [coding], **({"text": text} if text else {})}


def quantity(value, unit=None, system=None, code=None, **rest):
    given = {"value": value, "unit": unit, "system": system, "code": code, **rest}
    return {"valueQuantity": {k: v for k, v in given.items() if v is not None}}


CLINIC = [
    # tokens, strings, references
    patient(
        "eve", active=True, gender="female", birthDate="1980-02-03",
        name=[{"family": "Evening", "given": ["Éva", "Maria-Luisa"]}, {"use": "maiden", "family": "O'Brien"}],
        identifier=[
            {"system": "http://a.example/mrn", "value": "100", "type": coded("MR", LOCAL, text="Medical record")},
            {"value": "200"},
        ],
        telecom=[{"system": "phone", "value": "+36 1 555"}, {"system": "email", "value": "Eve@example.org"}],
        address=[{"city": "Sankt Pölten", "line": ["Main  Street 5"]}],
        generalPractitioner=[{"reference": "Practitioner/doc"}],
        managingOrganization={"identifier": {"system": "http://org.example", "value": "north"}},
        meta={
            "tag": [{"system": LOCAL, "code": "vip"}], "profile": ["http://p.example/StructureDefinition/pat|1.0"],
            "source": "http://src.example/feed/one",
        },
    ),
    patient(
        "adam", active=False, gender="male", birthDate="1980-02", name=[{"family": "evening", "given": ["Adam"]}],
        identifier=[{"system": "http://b.example/mrn", "value": "100"}], deceasedBoolean=True,
    ),
    patient("li", gender="other", birthDate="1979", name=[{"text": "李 小龍"}], deceasedDateTime="2020-05-01"),
    patient("bare"),
    patient("pct", name=[{"family": "50%_off\\"}], address=[{"city": "a,b|c$d"}]),
    {"resourceType": "Practitioner", "id": "doc", "name": [{"family": "Healer"}]},
    # dates, quantities, composites
    observation(
        "hr", code=coded("8867-4", display="Heart rate"), subject={"reference": "Patient/eve"},
        effectiveDateTime="2024-03-10T08:30:00Z", **quantity(72, "beats/min", UCUM, "/min"),
        category=[coded("vital-signs", LOCAL)],
    ),
    observation(
        "glu", code=coded("2339-0", text="Glucose in blood"), subject={"reference": "http://test/fhir/Patient/adam"},
        effectiveDateTime="2024-03-10", **quantity(5.4, "mmol/L", UCUM, "mmol/L"), category=[coded("laboratory", LOCAL)],
    ),
    observation(
        "glu-mg", code=coded("2339-0"), subject={"reference": "Patient/eve/_history/1"}, effectiveDateTime="2024-03",
        **quantity(97.0, "mg/dL", UCUM, "mg/dL"), category=[coded("laboratory", LOCAL)],
    ),
    observation(
        "low", code=coded("2339-0"), effectivePeriod={"start": "2023-12-31", "end": "2024-01-02"},
        **quantity(5, "mmol/L", UCUM, "mmol/L", comparator="<"),
    ),
    observation("open", code=coded("2339-0"), effectivePeriod={"start": "2024-05-01"}, **quantity(0.00540, "kg")),
    observation("plain", code={"text": "Narrative only"}, subject={"reference": "urn:uuid:1b671a64-40d5-491e-99b0-da01ff1f3341"}),
    observation(
        "bp", code=coded("85354-9"), effectiveDateTime="2024-03-11T23:30:00-05:00", subject={"reference": "Group/g1"},
        component=[
            {"code": coded("8480-6"), **quantity(120, "mmHg", UCUM, "mm[Hg]")},
            {"code": coded("8462-4"), **quantity(80, "mmHg", UCUM, "mm[Hg]")},
        ],
    ),
    # numbers, uris, places
    {"resourceType": "RiskAssessment", "id": "r1", "status": "final", "subject": {"reference": "Patient/eve"},
     "prediction": [{"probabilityDecimal": 0.25}, {"probabilityDecimal": 0.9}]},
    {"resourceType": "RiskAssessment", "id": "r2", "status": "final", "subject": {"reference": "Patient/adam"},
     "prediction": [{"probabilityDecimal": 0.255}]},
    {"resourceType": "RiskAssessment", "id": "r3", "status": "final", "subject": {"reference": "Patient/adam"},
     "prediction": [{"probabilityRange": {"low": {"value": 0.2}, "high": {"value": 0.3}}}]},
    {"resourceType": "RiskAssessment", "id": "r4", "status": "final", "subject": {"reference": "Patient/adam"}},
    {"resourceType": "ValueSet", "id": "v1", "status": "active", "url": "http://a.example/fhir/ValueSet/one"},
    {"resourceType": "ValueSet", "id": "v2", "status": "active", "url": "http://a.example/fhir/ValueSet/one/two"},
    {"resourceType": "ValueSet", "id": "v3", "status": "active", "url": "http://a.example/fhir/ValueSet/oneandmore"},
    {"resourceType": "ValueSet", "id": "v4", "status": "draft", "url": "urn:oid:1.2.3"},
    {"resourceType": "Location", "id": "paris", "position": {"latitude": 48.8566, "longitude": 2.3522}},
    {"resourceType": "Location", "id": "london", "position": {"latitude": 51.5074, "longitude": -0.1278}},
    {"resourceType": "Location", "id": "suva", "position": {"latitude": -18.1416, "longitude": 178.4419}},
    {"resourceType": "Location", "id": "apia", "position": {"latitude": -13.8507, "longitude": -171.7514}},
]  # fmt: skip

desk = desk_with(CLINIC)

TOKEN = [
    ("Patient?gender=female", "eve"),
    ("Patient?gender=female,male", "eve adam"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|male", "adam"),
    ("Patient?gender=http://wrong.example|male", ""),
    ("Patient?gender=Female", ""),
    ("Patient?gender:not=male", "eve li bare pct"),
    ("Patient?gender:not=male,female", "li bare pct"),
    ("Patient?gender:missing=true", "bare pct"),
    ("Patient?gender:missing=false", "eve adam li"),
    ("Patient?active=true", "eve"),
    ("Patient?active=false", "adam"),
    ("Patient?deceased=true", "adam li"),
    ("Patient?deceased=http://terminology.hl7.org/CodeSystem/special-values|true", "adam li"),
    ("Patient?identifier=100", "eve adam"),
    ("Patient?identifier=http://a.example/mrn|100", "eve"),
    ("Patient?identifier=http://a.example/mrn|", "eve"),
    ("Patient?identifier=|200", "eve"),
    ("Patient?identifier=|100", ""),
    ("Patient?identifier:not=100", "li bare pct"),
    ("Patient?identifier:of-type=http://clinic.example/codes|MR|100", "eve"),
    ("Patient?identifier:of-type=http://clinic.example/codes|MR|200", ""),
    ("Patient?identifier:text=medical", "eve"),
    ("Patient?email=Eve@example.org", "eve"),
    ("Patient?phone=%2B36 1 555", "eve"),
    ("Patient?telecom=phone|%2B36 1 555", ""),
    ("Patient?_tag=vip", "eve"),
    ("Patient?_tag=http://clinic.example/codes|vip", "eve"),
    ("Patient?_tag:not=vip", "adam li bare pct"),
    ("Patient?_id=eve", "eve"),
    ("Patient?_id=eve,adam,nobody", "eve adam"),
    ("Patient?_id:not=eve", "adam li bare pct"),
    ("Patient?_id=eve&gender=male", ""),
    ("Observation?code=8867-4", "hr"),
    ("Observation?code=http://loinc.org|2339-0", "glu glu-mg low open"),
    ("Observation?code:text=glucose", "glu"),
    ("Observation?code:text=Heart", "hr"),
    ("Observation?code:not=2339-0", "hr plain bp"),
    ("Observation?code:missing=true", ""),
    ("Observation?category=laboratory&code=2339-0", "glu glu-mg"),
    ("Observation?category=laboratory,vital-signs&status=final", "hr glu glu-mg"),
]
STRING = [
    ("Patient?family=eve", "eve adam"),
    ("Patient?family=EVENING", "eve adam"),
    ("Patient?family=ev", "eve adam"),
    ("Patient?family=vening", ""),
    ("Patient?family:contains=VEN", "eve adam"),
    ("Patient?family:exact=Evening", "eve"),
    ("Patient?family:exact=Even", ""),
    ("Patient?family=o'b", "eve"),
    ("Patient?family=o'brien,healer", "eve"),
    ("Patient?given=eva", "eve"),
    ("Patient?given=ÉVA", "eve"),
    ("Patient?given=maria-l", "eve"),
    ("Patient?given:exact=Eva", ""),
    ("Patient?name=李", "li"),
    ("Patient?name:contains=小", "li"),
    ("Patient?name:contains=小,dam", "li adam"),
    ("Patient?family=50%25", "pct"),
    ("Patient?family=50_", ""),
    ("Patient?family:contains=%25_", "pct"),
    ("Patient?family:contains=_", "pct"),
    ("Patient?family:contains=f%5C%5C", "pct"),
    ("Patient?address-city=a%5C,b%5C|c%5C$d", "pct"),
    ("Patient?address-city=sankt polten", "eve"),
    ("Patient?address=main street", "eve"),
    ("Patient?family:missing=true", "li bare"),
    ("Patient?family:missing=false&given=adam", "adam"),
]
REFERENCE = [
    ("Observation?subject=Patient/eve", "hr glu-mg"),
    ("Observation?subject=eve", "hr glu-mg"),
    ("Observation?subject:Patient=eve", "hr glu-mg"),
    ("Observation?subject:Group=eve", ""),
    ("Observation?subject=Patient/adam", "glu"),
    ("Observation?subject=http://test/fhir/Patient/adam", "glu"),
    ("Observation?subject=http://other.example/fhir/Patient/adam", ""),
    ("Observation?subject=Patient/eve/_history/1", "glu-mg"),
    ("Observation?subject=Group/g1", "bp"),
    ("Observation?subject=Patient/eve,Group/g1", "hr glu-mg bp"),
    ("Observation?subject=Patient/eve,Patient/adam", "hr glu-mg glu"),
    ("Observation?patient=eve", "hr glu-mg"),
    ("Observation?patient=Patient/eve,Patient/adam", "hr glu-mg glu"),
    ("Observation?patient=g1", ""),
    ("Observation?subject=urn:uuid:1b671a64-40d5-491e-99b0-da01ff1f3341", "plain"),
    ("Observation?subject:missing=true", "low open"),
    ("Observation?patient:missing=true", "low open plain bp"),
    ("Patient?general-practitioner=Practitioner/doc", "eve"),
    ("Patient?organization:identifier=http://org.example|north", "eve"),
    ("Patient?organization:identifier=south", ""),
]
URI = [
    ("ValueSet?url=http://a.example/fhir/ValueSet/one", "v1"),
    ("ValueSet?url=http://a.example/fhir/ValueSet/one,urn:oid:1.2.3", "v1 v4"),
    ("ValueSet?url:below=http://a.example/fhir/ValueSet/one", "v1 v2"),
    ("ValueSet?url:below=http://a.example/fhir/", "v1 v2 v3"),
    ("ValueSet?url:above=http://a.example/fhir/ValueSet/one/two/three", "v1 v2"),
    ("ValueSet?url=http://a.example/fhir/valueset/one", ""),
    ("Patient?_profile=http://p.example/StructureDefinition/pat", "eve"),
    ("Patient?_source=http://src.example/feed/one", "eve"),
    ("Patient?_source:below=http://src.example/feed", "eve"),
]
NUMBER = [
    ("RiskAssessment?probability=0.25", "r1"),
    ("RiskAssessment?probability=0.3", "r1 r2"),
    ("RiskAssessment?probability=0.255", "r2"),
    ("RiskAssessment?probability=eq0.9", "r1"),
    ("RiskAssessment?probability=ne0.25", "r1 r2 r3"),
    ("RiskAssessment?probability=gt0.255", "r1 r3"),
    ("RiskAssessment?probability=ge0.255", "r1 r2 r3"),
    ("RiskAssessment?probability=lt0.25", "r3"),
    ("RiskAssessment?probability=le0.25", "r1 r3"),
    ("RiskAssessment?probability=sa0.25", "r1 r2"),
    ("RiskAssessment?probability=eb0.255", "r1"),
    ("RiskAssessment?probability=ap0.88", "r1"),
    ("RiskAssessment?probability=0.255,0.9", "r1 r2"),
    ("RiskAssessment?probability=gt0.8&probability=lt0.3", "r1"),
    ("RiskAssessment?probability:missing=true", "r4"),
    ("RiskAssessment?probability=2.5e-1", "r1"),
]
QUANTITY = [
    ("Observation?value-quantity=72", "hr"),
    ("Observation?value-quantity=72||/min", "hr"),
    ("Observation?value-quantity=72||beats/min", "hr"),
    ("Observation?value-quantity=72|http://unitsofmeasure.org|/min", "hr"),
    ("Observation?value-quantity=72|http://unitsofmeasure.org|beats/min", ""),
    ("Observation?value-quantity=5.4|http://unitsofmeasure.org|mmol/L", "glu"),
    ("Observation?value-quantity=5|http://unitsofmeasure.org|mmol/L", "glu"),
    ("Observation?value-quantity=gt5.4||mmol/L", ""),
    ("Observation?value-quantity=ge5.4||mmol/L", "glu"),
    ("Observation?value-quantity=lt5||mmol/L", "low"),
    ("Observation?value-quantity=gt90", "glu-mg"),
    ("Observation?value-quantity=97", "glu-mg"),
    ("Observation?value-quantity=0.0054", "open"),
    ("Observation?value-quantity=5.40e-3", "open"),
    ("Observation?value-quantity=ne72||/min", ""),
    ("Observation?value-quantity=ap70||/min", "hr"),
    ("Observation?value-quantity=72,97", "hr glu-mg"),
    ("Observation?component-value-quantity=120", "bp"),
    ("Observation?combo-value-quantity=gt70||/min", "hr"),
    ("Observation?value-quantity:missing=true", "plain bp"),
]
DATE = [
    ("Observation?date=2024-03-10", "hr glu"),
    ("Observation?date=2024-03", "hr glu glu-mg bp"),
    ("Observation?date=2024", "hr glu glu-mg bp"),
    ("Observation?date=2024-03-10T08:30:00Z", "hr"),
    ("Observation?date=2024-03-10T09:30:00%2B01:00", "hr"),
    ("Observation?date=ne2024-03-10", "glu-mg low open bp"),
    ("Observation?date=gt2024-03-10", "glu-mg open bp"),
    ("Observation?date=ge2024-03-10", "hr glu glu-mg open bp"),
    ("Observation?date=lt2024-03-10", "glu-mg low"),
    ("Observation?date=le2024-03-10", "hr glu glu-mg low"),
    ("Observation?date=sa2024-03-10", "open bp"),
    ("Observation?date=eb2024-03-10", "low"),
    ("Observation?date=2024-03-12", "bp"),
    ("Observation?date=sa2024-01-02", "hr glu glu-mg open bp"),
    ("Observation?date=ge2024-01-03&date=lt2024-04", "hr glu glu-mg bp"),
    ("Observation?date=2024-03-10,2024-03-12", "hr glu bp"),
    ("Observation?date:missing=true", "plain"),
    ("Patient?birthdate=1980-02", "eve adam"),
    ("Patient?birthdate=1980-02-03", "eve"),
    ("Patient?birthdate=lt1980", "li"),
    ("Patient?death-date=2020-05-01", "li"),
    ("Patient?death-date=ne2020-05-01", ""),
    ("Patient?death-date=ap2020-05-01", "li"),
    ("Patient?_lastUpdated=ge2026-01-01", "eve adam li bare pct"),
    ("Patient?_lastUpdated=2026-01-01T00:00:00.000Z", "eve adam li bare pct"),
    ("Patient?_lastUpdated=lt2026-01-01", ""),
    ("Patient?_lastUpdated=gt2026-01-01T00:00:00.000Z", ""),
    ("Patient?_lastUpdated=ne2026-01-01", ""),
    ("Patient?_lastUpdated=sa2025", "eve adam li bare pct"),
]
COMPOSITE = [
    ("Observation?code-value-quantity=http://loinc.org|2339-0$5.4||mmol/L", "glu"),
    ("Observation?code-value-quantity=2339-0$gt90", "glu-mg"),
    ("Observation?code-value-quantity=8867-4$gt90", ""),
    ("Observation?code-value-quantity=8867-4$72,2339-0$97", "hr glu-mg"),
    ("Observation?component-code-value-quantity=8480-6$gt100", "bp"),
    ("Observation?component-code-value-quantity=8462-4$gt100", ""),
    ("Observation?component-code-value-quantity=8462-4$lt100&component-code-value-quantity=8480-6$120", "bp"),
]
NEAR = [
    ("Location?near=48.85|2.35|5|km", "paris"),
    ("Location?near=48.85|2.35|400|km", "paris london"),
    ("Location?near=48.85|2.35|340|km", "paris"),
    ("Location?near=-16|179|1400|km", "suva apia"),
    ("Location?near=48.85|2.35", "paris"),
]


@pytest.mark.parametrize(
    ("url", "expected"), [pytest.param(*case, id=case[0]) for case in [*TOKEN, *STRING, *REFERENCE, *URI]]
)
async def test_values_compared_by_equality_and_text(desk, url, expected):
    assert set(await desk.ids(url)) == set(expected.split())


@pytest.mark.parametrize(
    ("url", "expected"), [pytest.param(*case, id=case[0]) for case in [*NUMBER, *QUANTITY, *DATE, *COMPOSITE, *NEAR]]
)
async def test_values_compared_by_order(desk, url, expected):
    assert set(await desk.ids(url)) == set(expected.split())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("Patient?_sort=family", "pct adam eve bare li", id="missing-last-ascending"),
        pytest.param("Patient?_sort=birthdate", "li adam eve bare pct", id="dates-by-their-start"),
        pytest.param("Patient?_sort=-birthdate", "eve adam li pct bare", id="missing-last-descending"),
        pytest.param("Patient?_sort=-gender,birthdate", "li adam eve bare pct", id="two-keys"),
        pytest.param("Patient?_sort=active,-birthdate&gender:missing=false", "adam eve li", id="token-with-missing"),
        pytest.param("Patient?_sort=_id", "adam bare eve li pct", id="_id"),
        pytest.param("Patient?_sort=-_id", "pct li eve bare adam", id="-_id"),
        pytest.param("Patient?_sort=-_lastUpdated,_id", "adam bare eve li pct", id="_lastUpdated-then-_id"),
        pytest.param(
            "Observation?_sort=value-quantity&value-quantity:missing=false", "low open glu hr glu-mg", id="quantity"
        ),
        pytest.param("Observation?_sort=-date&date:missing=false", "open bp hr glu glu-mg low", id="date-descending"),
        pytest.param("RiskAssessment?_sort=probability", "r3 r1 r2 r4", id="least-of-several-ascending"),
        pytest.param("RiskAssessment?_sort=-probability", "r1 r2 r3 r4", id="greatest-of-several-descending"),
        pytest.param("ValueSet?_sort=-url", "v4 v3 v2 v1", id="uri"),
    ],
)
async def test_sort(desk, url, expected):
    found = await desk.ids(url)
    assert found == expected.split()

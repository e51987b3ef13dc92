"""The sample clinic is the same for the same seed, hangs together, and is valid R4."""

from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice

import msgspec
import pytest

from fhir_server.sample_clinic.clinic import SEATS, Clinic, patients_a_turn, seat_of
from fhir_server.sample_clinic.generate import patient_resources, sample_clinic

START = date(2026, 3, 4)
PATIENTS = 400
TYPES = [
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "Schedule",
    "Slot",
    "Patient",
    "RelatedPerson",
    "Appointment",
    "Encounter",
    "Observation",
    "ServiceRequest",
    "DiagnosticReport",
    "Condition",
    "AllergyIntolerance",
    "Medication",
    "MedicationRequest",
    "MedicationDispense",
    "Immunization",
    "Procedure",
    "CarePlan",
    "Coverage",
    "Claim",
    "ExplanationOfBenefit",
    "ChargeItem",
    "Invoice",
    "DocumentReference",
    "Provenance",
    "Consent",
]
SCRIPTS = [
    "LATIN",
    "CYRILLIC",
    "GREEK",
    "ARABIC",
    "HEBREW",
    "DEVANAGARI",
    "BENGALI",
    "TAMIL",
    "CJK",
    "HIRAGANA",
    "HANGUL",
    "THAI",
    "GEORGIAN",
    "ARMENIAN",
    "ETHIOPIC",
]


def encoded(bundle):
    return msgspec.json.Encoder(decimal_format="number").encode(bundle)


@pytest.fixture(scope="module")
def bundles():
    return list(sample_clinic(PATIENTS, 1, START))


@pytest.fixture(scope="module")
def resources(bundles):
    return {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}": entry["resource"]
        for bundle in bundles
        for entry in bundle["entry"]
    }


def of_type(resources, resource_type):
    return [r for r in resources.values() if r["resourceType"] == resource_type]


def references_in(value):
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from references_in(part)


def day_of(text):
    return date.fromisoformat(text[:10])


def test_the_same_seed_and_start_make_the_same_bytes(bundles):
    again = sample_clinic(PATIENTS, 1, START)
    assert all(encoded(a) == encoded(b) for a, b in zip(bundles, again, strict=True))


def test_the_first_patients_do_not_hang_on_how_many_are_asked_for(bundles):
    few = list(sample_clinic(5, 1, START))
    assert [encoded(b) for b in few] == [encoded(b) for b in bundles[:6]]


def test_another_seed_makes_another_clinic(bundles):
    other = next(islice(sample_clinic(1, 2, START), 1, None))
    assert not set(ids_of(other)) & set(ids_of(bundles[1]))
    assert other["entry"][0]["resource"]["name"] != bundles[1]["entry"][0]["resource"]["name"]


def ids_of(bundle):
    return [entry["request"]["url"] for entry in bundle["entry"]]


def test_every_entry_puts_its_resource_under_its_own_id(bundles):
    for bundle in bundles:
        assert bundle["type"] == "transaction"
        for entry in bundle["entry"]:
            place = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            assert entry["request"] == {"method": "PUT", "url": place}
            assert entry["fullUrl"].endswith(f"/{place}")


def test_no_id_is_given_twice(bundles):
    assert Counter(url for bundle in bundles for url in ids_of(bundle)).most_common(1)[0][1] == 1


def test_every_reference_resolves_within_its_bundle_or_the_clinic_s(bundles):
    clinic = set(ids_of(bundles[0]))
    for bundle in bundles:
        here = clinic | set(ids_of(bundle))
        assert set(references_in(bundle["entry"])) <= here


@pytest.mark.parametrize("resource_type", TYPES)
def test_the_clinic_has_resources_of_type(resources, resource_type):
    assert of_type(resources, resource_type)


@pytest.mark.parametrize("script", SCRIPTS)
def test_people_are_named_in_script(resources, script):
    letters = {
        c
        for r in resources.values()
        if r["resourceType"] in {"Patient", "RelatedPerson"}
        for n in r["name"]
        for c in n["text"]
    }
    assert any(unicodedata.name(c, "").startswith(script) for c in letters)


def test_a_patient_has_about_fifty_resources(bundles):
    sizes = [len(bundle["entry"]) for bundle in bundles[1:]]
    assert 40 <= sum(sizes) / len(sizes) <= 65


def test_nothing_happens_before_birth_or_after_death(resources):
    patients = {f"Patient/{p['id']}": p for p in of_type(resources, "Patient")}
    for encounter in of_type(resources, "Encounter"):
        person = patients[encounter["subject"]["reference"]]
        began = day_of(encounter["period"]["start"])
        assert day_of(person["birthDate"]) < began < START
        assert "deceasedDateTime" not in person or began < day_of(person["deceasedDateTime"])
    for condition in of_type(resources, "Condition"):
        person = patients[condition["subject"]["reference"]]
        assert day_of(person["birthDate"]) <= day_of(condition["onsetDateTime"]) <= day_of(condition["recordedDate"])
    for immunization in of_type(resources, "Immunization"):
        given = day_of(immunization["occurrenceDateTime"])
        assert day_of(patients[immunization["patient"]["reference"]]["birthDate"]) < given < START
        assert given < day_of(immunization["expirationDate"])


def test_appointments_have_the_status_their_date_allows(resources):
    seen = Counter()
    for appointment in of_type(resources, "Appointment"):
        seen[appointment["status"]] += 1
        begins = appointment.get("start") or appointment["requestedPeriod"][0]["start"]
        future = day_of(begins) > START
        assert future == (appointment["status"] in {"booked", "pending", "proposed"})
        assert ("cancelationReason" in appointment) == (appointment["status"] in {"cancelled", "noshow"})
        assert ("slot" in appointment) == (appointment["status"] in {"booked", "pending"})
        assert day_of(appointment["created"]) <= START
    assert set(seen) == {"fulfilled", "noshow", "cancelled", "booked", "pending", "proposed"}


def test_fulfilled_appointments_and_encounters_belong_together(resources):
    kept = {e["appointment"][0]["reference"] for e in of_type(resources, "Encounter")}
    fulfilled = {f"Appointment/{a['id']}" for a in of_type(resources, "Appointment") if a["status"] == "fulfilled"}
    assert kept == fulfilled


def test_slots_are_half_hours_of_the_branch_s_day(resources):
    for slot in of_type(resources, "Slot"):
        begins, ends = datetime.fromisoformat(slot["start"]), datetime.fromisoformat(slot["end"])
        assert ends - begins == timedelta(minutes=30)
        assert 8 <= begins.hour <= 17
        assert begins.weekday() < 5


def test_nobody_is_booked_twice(resources):
    taken = Counter(
        (participant["actor"]["reference"], appointment["start"])
        for appointment in of_type(resources, "Appointment")
        for participant in appointment["participant"]
        if "start" in appointment and participant["actor"]["reference"].startswith("Practitioner/")
    )
    assert taken.most_common(1)[0][1] == 1


def test_no_two_patients_share_a_seat():
    seats = [seat_of(n) for n in range(patients_a_turn())]
    assert len({(s.branch.key, s.turn, s.practitioner, s.weekday, s.at) for s in seats}) == len(seats)
    assert {s.turn for s in seats} == {0}
    assert seat_of(patients_a_turn()).turn == 1
    assert len(seats) == SEATS * 16


def test_a_clinic_that_is_full_hires_and_later_patients_find_their_practitioners():
    number = patients_a_turn()
    bundles = list(islice(sample_clinic(number + 1, 1, START), number + 1, None))
    hired, last = bundles
    assert all(url.split("/")[0] in {"Practitioner", "PractitionerRole", "Schedule", "Slot"} for url in ids_of(hired))
    practitioner = last["entry"][0]["resource"]["generalPractitioner"][0]["reference"]
    assert practitioner in ids_of(hired)


@pytest.mark.parametrize("loinc", ["8310-5", "2823-3", "4548-4"])
def test_interpretations_say_what_the_range_says(resources, loinc):
    checked = 0
    for observation in of_type(resources, "Observation"):
        if observation["code"]["coding"][0]["code"] != loinc or "referenceRange" not in observation:
            continue
        value = observation["valueQuantity"]["value"]
        low, high = (observation["referenceRange"][0][bound]["value"] for bound in ("low", "high"))
        expected = "L" if value < low else "H" if value > high else "N"
        assert observation["interpretation"][0]["coding"][0]["code"] == expected
        checked += 1
    assert checked > 3


def test_measurements_are_possible(resources):
    limits = {"8310-5": (35, 41), "8867-4": (35, 190), "2708-6": (85, 100), "8302-2": (40, 215), "29463-7": (2, 190)}
    for observation in of_type(resources, "Observation"):
        code = observation["code"]["coding"][0]["code"]
        if code in limits:
            low, high = limits[code]
            assert low <= observation["valueQuantity"]["value"] <= high
        if code == "85354-9":
            systolic, diastolic = (c["valueQuantity"]["value"] for c in observation["component"])
            assert 60 <= systolic <= 210
            assert 30 <= diastolic < systolic


def test_decimals_keep_their_trailing_zeros(resources):
    values = {str(o["valueQuantity"]["value"]) for o in of_type(resources, "Observation") if "valueQuantity" in o}
    assert any(value.endswith(".0") for value in values)
    assert all(
        isinstance(o["valueQuantity"]["value"], int | Decimal)
        for o in of_type(resources, "Observation")
        if "valueQuantity" in o
    )


def test_nobody_gets_what_they_are_allergic_to(resources):
    allergic = {
        a["patient"]["reference"]: a["code"]["text"]
        for a in of_type(resources, "AllergyIntolerance")
        if a["code"]["text"] in {"Penicillin", "Aspirin"}
    }
    avoided = {"Penicillin": "amoxicillin", "Aspirin": "ibuprofen"}
    assert len(allergic) > 5
    for request in of_type(resources, "MedicationRequest"):
        text = str(request.get("medicationCodeableConcept") or request["medicationReference"]).lower()
        allergen = allergic.get(request["subject"]["reference"])
        assert allergen is None or avoided[allergen] not in text


def test_invoices_add_up(resources):
    for invoice in of_type(resources, "Invoice"):
        lines = sum(line["priceComponent"][0]["amount"]["value"] for line in invoice["lineItem"])
        assert lines == invoice["totalNet"]["value"]


def test_a_patient_can_be_made_alone(bundles):
    alone = list(patient_resources(Clinic(1, START), 3))
    assert [r["id"] for r in alone] == [e["resource"]["id"] for e in bundles[4]["entry"]]


def test_the_parts_of_a_clinic_are_the_whole(bundles):
    parts = [encoded(b) for n in range(3) for b in sample_clinic(PATIENTS, 1, START, part=(n, 3))]
    assert sorted(parts) == sorted(map(encoded, bundles))

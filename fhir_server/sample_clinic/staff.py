"""The clinic itself: its organizations, places, people, services and calendars.

https://hl7.org/fhir/R4/administration-module.html
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from fhir_server.sample_clinic.catalogue import ATC, MEDICINES, RXNORM, SNOMED, SPECIALTIES
from fhir_server.sample_clinic.clinic import FREE_TIMES, PRACTITIONERS, WORKDAYS, Clinic
from fhir_server.sample_clinic.draw import Draw
from fhir_server.sample_clinic.names import family_of, given_of, names_in_all_forms
from fhir_server.sample_clinic.shapes import (
    CODES,
    NAMING,
    TERMINOLOGY,
    Resource,
    coding,
    concept,
    day,
    in_zone,
    reference,
    stamp,
)
from fhir_server.sample_clinic.tables import Branch, load_tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

NETWORK = "Meridian Clinics"
INSURERS = ("Harbour Mutual", "Northwind Health Fund", "Solstice Insurance")
DAYS = ("mon", "tue", "wed", "thu", "fri")


def network(clinic: Clinic) -> Iterator[Resource]:
    """Yield what the branches share: the parent organization, insurers, laboratory, pharmacy, medications."""
    yield _organization(clinic, "network", NETWORK, ("prov", "Healthcare Provider"))
    yield _organization(clinic, "laboratory", "Meridian Laboratory", ("dept", "Hospital Department"), part_of="network")
    yield _organization(clinic, "pharmacy", "Meridian Pharmacy", ("dept", "Hospital Department"), part_of="network")
    for number, name in enumerate(INSURERS, 1):
        yield _organization(clinic, f"insurer-{number}", name, ("ins", "Insurance Company"))
    for medicine in MEDICINES.values():
        yield {
            "resourceType": "Medication",
            "id": f"{clinic.prefix}-{medicine.key}",
            "code": {
                "coding": [coding(RXNORM, medicine.rxnorm, medicine.ingredient), coding(ATC, medicine.atc)],
                "text": medicine.text,
            },
            "status": "active",
            "form": concept(SNOMED, *medicine.form),
        }


def branch_resources(clinic: Clinic, branch: Branch) -> Iterator[Resource]:
    """Yield a branch's Organization, Location and HealthcareServices."""
    draw = Draw(clinic.seed, "branch", branch.key)
    name = f"{NETWORK} {branch.key.capitalize()}"
    contact = [{"system": "phone", "value": draw.digits(branch.phone), "use": "work"}]
    id_ = clinic.branch_id(branch)
    yield {
        **_organization(clinic, branch.key, name, ("prov", "Healthcare Provider"), part_of="network"),
        "telecom": contact,
        "address": [address_in(branch, draw, "work")],
    }
    yield {
        "resourceType": "Location",
        "id": id_,
        "identifier": [{"system": f"{NAMING}/location", "value": id_}],
        "status": "active",
        "name": name,
        "mode": "instance",
        "type": [concept(f"{TERMINOLOGY}/v3-RoleCode", "OF", "Outpatient facility")],
        "telecom": contact,
        "address": address_in(branch, Draw(clinic.seed, "branch", branch.key, "address"), "work"),
        "physicalType": concept(f"{TERMINOLOGY}/location-physical-type", "bu", "Building"),
        "position": {"longitude": branch.longitude, "latitude": branch.latitude},
        "managingOrganization": reference("Organization", id_, name),
        "hoursOfOperation": [{"daysOfWeek": list(DAYS), "openingTime": "08:30:00", "closingTime": "17:30:00"}],
    }
    for number, (code, specialty) in enumerate(SPECIALTIES):
        yield {
            "resourceType": "HealthcareService",
            "id": f"{id_}-{'abc'[number]}",
            "active": True,
            "providedBy": reference("Organization", id_, name),
            "type": [{"text": specialty}],
            "specialty": [concept(SNOMED, code, specialty)],
            "location": [reference("Location", id_, name)],
            "name": f"{specialty}, {name}",
            "telecom": contact,
            "appointmentRequired": True,
        }


def team(clinic: Clinic, branch: Branch, turn: int) -> Iterator[Resource]:
    """Yield one round of a branch's practitioners, with roles, schedules and their free slots."""
    for number in range(PRACTITIONERS):
        draw = Draw(clinic.seed, "practitioner", branch.key, turn, number)
        practitioner = _practitioner(clinic, branch, turn, number, draw)
        yield practitioner
        yield _role(clinic, branch, practitioner, number)
        yield from _calendar(clinic, branch, practitioner)


def practitioner_reference(clinic: Clinic, branch: Branch, turn: int, number: int) -> Resource:
    """Return a reference to a practitioner, with her name as she writes it."""
    draw = Draw(clinic.seed, "practitioner", branch.key, turn, number)
    practitioner = _practitioner(clinic, branch, turn, number, draw)
    return reference("Practitioner", practitioner["id"], practitioner["name"][0]["text"])


def address_in(branch: Branch, draw: Draw, use: str) -> Resource:
    """Return an address near a branch."""
    line = f"{draw.one(branch.streets)} {draw.whole(1, 180)}"
    address = {"use": use, "type": "physical", "text": f"{line}, {branch.city}", "line": [line], "city": branch.city}
    if branch.state:
        address["state"] = branch.state
    return {**address, "postalCode": draw.digits(branch.postal_code), "country": branch.country}


def _organization(clinic: Clinic, key: str, name: str, kind: tuple[str, str], *, part_of: str = "") -> Resource:
    organization = {
        "resourceType": "Organization",
        "id": f"{clinic.prefix}-{key}",
        "identifier": [{"system": f"{NAMING}/organization", "value": f"{clinic.prefix}-{key}"}],
        "active": True,
        "type": [concept(f"{TERMINOLOGY}/organization-type", *kind)],
        "name": name,
    }
    if part_of:
        organization["partOf"] = reference("Organization", f"{clinic.prefix}-{part_of}", NETWORK)
    return organization


def _practitioner(clinic: Clinic, branch: Branch, turn: int, number: int, draw: Draw) -> Resource:
    culture = branch.culture if draw.chance(0.7) else draw.one(load_tables().cultures)
    gender = draw.one(("male", "female"))
    family = family_of(culture, gender, draw.whole(0, len(culture.families) - 1))
    id_ = clinic.practitioner_id(branch, turn, number)
    qualified = draw.day(_years(clinic.start, 35), _years(clinic.start, 6))
    return {
        "resourceType": "Practitioner",
        "id": id_,
        "identifier": [
            {"use": "official", "system": f"{NAMING}/licence/{branch.country.lower()}", "value": draw.digits("######")}
        ],
        "active": True,
        "name": names_in_all_forms(culture, family, [given_of(culture, gender, draw)], "Dr."),
        "telecom": [
            {"system": "phone", "value": draw.digits(branch.phone), "use": "work"},
            {"system": "email", "value": f"{id_}@clinic.example", "use": "work"},
        ],
        "gender": gender,
        "birthDate": day(_years(qualified, 26)),
        "qualification": [
            {
                "identifier": [{"system": f"{NAMING}/diploma", "value": draw.digits("D-#######")}],
                "code": concept(f"{TERMINOLOGY}/v2-0360", "MD", "Doctor of Medicine"),
                "period": {"start": day(qualified)},
                "issuer": {"display": f"Medical board, {branch.country}"},
            }
        ],
        "communication": [concept("urn:ietf:bcp:47", culture.language), concept("urn:ietf:bcp:47", "en")],
    }


def _role(clinic: Clinic, branch: Branch, practitioner: Resource, number: int) -> Resource:
    specialty, title = SPECIALTIES[number]
    id_ = clinic.branch_id(branch)
    return {
        "resourceType": "PractitionerRole",
        "id": practitioner["id"],
        "active": True,
        "period": {"start": day(_years(clinic.start, 5))},
        "practitioner": reference("Practitioner", practitioner["id"], practitioner["name"][0]["text"]),
        "organization": reference("Organization", id_),
        "code": [concept(f"{TERMINOLOGY}/practitioner-role", "doctor", "Doctor")],
        "specialty": [concept(SNOMED, specialty, title)],
        "location": [reference("Location", id_)],
        "healthcareService": [reference("HealthcareService", f"{id_}-{'abc'[number]}")],
        "telecom": practitioner["telecom"],
        "availableTime": [{"daysOfWeek": list(DAYS), "availableStartTime": "08:30:00", "availableEndTime": "17:30:00"}],
    }


def _calendar(clinic: Clinic, branch: Branch, practitioner: Resource) -> Iterator[Resource]:
    id_ = practitioner["id"]
    opens = datetime.combine(clinic.start, time(0), branch.zone)
    yield {
        "resourceType": "Schedule",
        "id": id_,
        "active": True,
        "serviceType": [concept(f"{CODES}/services", "consultation", "Consultation")],
        "actor": [
            reference("Practitioner", id_, practitioner["name"][0]["text"]),
            reference("Location", clinic.branch_id(branch)),
        ],
        "planningHorizon": {"start": stamp(opens), "end": stamp(opens + timedelta(days=84))},
    }
    for workday in _workdays_after(clinic.start, WORKDAYS):
        for at in FREE_TIMES:
            begin = datetime.combine(workday, at, branch.zone)
            yield slot(f"{id_}-{workday:%y%m%d}-{at:%H%M}", id_, "free", branch, begin)


def slot(id_: str, schedule: str, status: str, branch: Branch, begin: datetime) -> Resource:
    """Return a half-hour Slot of a schedule."""
    return {
        "resourceType": "Slot",
        "id": id_,
        "serviceType": [concept(f"{CODES}/services", "consultation", "Consultation")],
        "schedule": reference("Schedule", schedule),
        "status": status,
        "start": stamp(begin),
        "_start": in_zone(branch),
        "end": stamp(begin + timedelta(minutes=30)),
    }


def _workdays_after(start: date, count: int) -> list[date]:
    days = (start + timedelta(days=n) for n in range(1, 2 * count + 4))
    return [d for d in days if d.weekday() < WORKDAYS][:count]


def _years(moment: date, back: int) -> date:
    return moment - timedelta(days=round(365.25 * back))

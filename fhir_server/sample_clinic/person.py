"""Who a patient is: the facts everything else of the record agrees with, and Patient itself.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_server.sample_clinic.catalogue import ALLERGENS, CHRONIC, Allergen, Problem
from fhir_server.sample_clinic.clinic import Clinic, Seat, seat_of
from fhir_server.sample_clinic.names import Forms, family_of, given_of, names_in_all_forms
from fhir_server.sample_clinic.shapes import NAMING, TERMINOLOGY, Resource, concept, day, reference
from fhir_server.sample_clinic.staff import address_in, practitioner_reference
from fhir_server.sample_clinic.tables import Branch, Culture, load_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.sample_clinic.draw import Draw

YEAR = 365.25
ADULT = 18
_GENDERS = ("male",) * 49 + ("female",) * 49 + ("other", "unknown")


@dataclass(frozen=True, slots=True)
class Person:
    """A made-up person. `last` is the last day anything can have happened: yesterday, or before death."""

    clinic: Clinic
    number: int
    id: str
    seat: Seat
    culture: Culture
    gender: str
    birth: date
    death: date | None
    last: date
    family: int
    names: list[Resource]
    home: Resource
    phone: str
    practitioner: Resource
    problems: tuple[Problem, ...]
    allergens: tuple[Allergen, ...]
    insurer: int

    @property
    def branch(self) -> Branch:
        """The branch where he or she is seen."""
        return self.seat.branch

    @property
    def subject(self) -> Resource:
        """A reference to the Patient, with the name."""
        return reference("Patient", self.id, self.names[0]["text"])

    def age(self, on: date) -> int:
        """Return the age in whole years."""
        return on.year - self.birth.year - ((on.month, on.day) < (self.birth.month, self.birth.day))

    def has(self, snomed: str) -> bool:
        """Whether this chronic problem is one of hers."""
        return any(problem.snomed == snomed for problem in self.problems)


@lru_cache(maxsize=512)
def _practitioner(clinic: Clinic, number_of_branch: int, turn: int, number: int) -> Resource:
    return practitioner_reference(clinic, load_tables().branches[number_of_branch], turn, number)


def draw_person(clinic: Clinic, number: int, draw: Draw) -> Person:
    """Return the person with this number."""
    seat = seat_of(number)
    culture = seat.branch.culture if draw.chance(0.62) else draw.one(load_tables().cultures)
    gender = draw.one(_GENDERS)
    years = draw.whole(0, 17) if draw.chance(0.2) else draw.whole(18, 64) if draw.chance(0.68) else draw.whole(65, 97)
    birth = clinic.start - timedelta(days=round(years * YEAR) + draw.whole(1, 365))
    death = clinic.start - timedelta(days=draw.whole(30, 700)) if years > 55 and draw.chance(0.05) else None  # noqa: PLR2004
    family = draw.whole(0, len(culture.families) - 1)
    given = [given_of(culture, gender, draw)]
    if culture.language == "en" and (second := given_of(culture, gender, draw)) not in given:
        given.append(second)
    return Person(
        clinic=clinic,
        number=number,
        id=clinic.patient_id(number),
        seat=seat,
        culture=culture,
        gender=gender,
        birth=birth,
        death=death,
        last=(death or clinic.start) - timedelta(days=1),
        family=family,
        names=names_in_all_forms(culture, family_of(culture, gender, family), given),
        home=address_in(seat.branch, draw, "home"),
        phone=draw.digits(seat.branch.phone),
        practitioner=_practitioner(clinic, seat.branch.number, seat.turn, seat.practitioner),
        problems=tuple(p for p in CHRONIC if p.ages[0] < years <= p.ages[1] and draw.chance(p.share / 1000)),
        allergens=tuple(draw.some(ALLERGENS, draw.whole(1, 2))) if draw.chance(0.35) else (),
        insurer=draw.whole(1, 3) if draw.chance(0.85) else 0,
    )


def patient(person: Person, draw: Draw) -> Resource:
    """Return the Patient resource."""
    country = person.branch.country.lower()
    resource: Resource = {
        "resourceType": "Patient",
        "id": person.id,
        "identifier": [
            _identifier(
                "usual", "MR", "Medical record number", f"{NAMING}/mrn", f"MRN-{person.clinic.seed}-{person.number:07d}"
            ),
            _identifier(
                "official", "NI", "National identifier", f"{NAMING}/national/{country}", draw.digits("###-##-####")
            ),
        ],
        "active": person.death is None,
        "name": person.names,
        "telecom": [
            {"system": "phone", "value": person.phone, "use": "mobile", "rank": 1},
            {"system": "email", "value": f"{person.id}@mail.example", "use": "home"},
        ],
        "gender": person.gender,
        "birthDate": day(person.birth),
    }
    if person.death:
        resource["deceasedDateTime"] = day(person.death)
    resource["address"] = [person.home]
    resource["maritalStatus"] = _marital_status(person, draw)
    resource["contact"] = [_contact(person, draw)]
    resource["communication"] = [{"language": concept("urn:ietf:bcp:47", person.culture.language), "preferred": True}]
    resource["generalPractitioner"] = [person.practitioner]
    resource["managingOrganization"] = reference("Organization", person.clinic.branch_id(person.branch))
    return resource


def family_links(person: Person, draw: Draw) -> Iterator[Resource]:
    """Yield RelatedPersons: the parents of children, the partner or child of grown-ups."""
    if person.age(person.clinic.start) < ADULT:
        yield _relative(person, draw, 1, role=("MTH", "mother"), gender="female", older=draw.whole(20, 38))
        if draw.chance(0.7):
            yield _relative(person, draw, 2, role=("FTH", "father"), gender="male", older=draw.whole(21, 42))
    elif draw.chance(0.6):
        gender = {"male": "female", "female": "male"}.get(person.gender, draw.one(("male", "female")))
        yield _relative(person, draw, 1, role=("SPS", "spouse"), gender=gender, older=draw.whole(-6, 6))


def _relative(person: Person, draw: Draw, number: int, *, role: tuple[str, str], gender: str, older: int) -> Resource:
    names = names_in_all_forms(
        person.culture, family_of(person.culture, gender, person.family), [given_of(person.culture, gender, draw)]
    )
    birth = min(person.birth - timedelta(days=round(older * YEAR) + draw.whole(0, 300)), person.clinic.start)
    return {
        "resourceType": "RelatedPerson",
        "id": f"{person.id}-f{number}",
        "active": True,
        "patient": person.subject,
        "relationship": [concept(f"{TERMINOLOGY}/v3-RoleCode", *role)],
        "name": names,
        "telecom": [{"system": "phone", "value": draw.digits(person.branch.phone), "use": "mobile"}],
        "gender": gender,
        "birthDate": day(birth),
        "address": [person.home],
    }


def _contact(person: Person, draw: Draw) -> Resource:
    forms: Forms = family_of(person.culture, "female", person.family)
    name = names_in_all_forms(person.culture, forms, [given_of(person.culture, "female", draw)])[0]
    return {
        "relationship": [concept(f"{TERMINOLOGY}/v2-0131", "C", "Emergency Contact")],
        "name": name,
        "telecom": [{"system": "phone", "value": draw.digits(person.branch.phone), "use": "mobile"}],
        "gender": "female",
    }


def _marital_status(person: Person, draw: Draw) -> Resource:
    choices = (("M", "Married"), ("S", "Never Married"), ("D", "Divorced"), ("W", "Widowed"))
    code, display = choices[1] if person.age(person.clinic.start) < ADULT else draw.one(choices)
    return concept(f"{TERMINOLOGY}/v3-MaritalStatus", code, display)


def _identifier(use: str, code: str, text: str, system: str, value: str) -> Resource:
    return {"use": use, "type": concept(f"{TERMINOLOGY}/v2-0203", code, text), "system": system, "value": value}

"""When a patient comes: visits that took place, with Encounter and Appointment, and bookings to come.

https://hl7.org/fhir/R4/appointment.html and https://hl7.org/fhir/R4/encounter.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from fhir_server.sample_clinic.catalogue import (
    ACUTE,
    CHECK_UP,
    FOLLOW_UP,
    ICD10,
    SNOMED,
    SPECIALTIES,
    SYMPTOM,
    Problem,
    VisitKind,
)
from fhir_server.sample_clinic.person import ADULT
from fhir_server.sample_clinic.shapes import (
    CODES,
    TERMINOLOGY,
    Resource,
    coding,
    concept,
    in_zone,
    reference,
    stamp,
)
from fhir_server.sample_clinic.staff import slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.sample_clinic.draw import Draw
    from fhir_server.sample_clinic.person import Person

WEEKS_BACK = 156
"""How far back the record goes."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit that took place. `problem` is the reason, where there is one."""

    number: int
    id: str
    kind: VisitKind
    start: datetime
    problem: Problem | None

    @property
    def end(self) -> datetime:
        """When it was over."""
        return self.start + timedelta(minutes=self.kind.minutes)

    @property
    def day(self) -> date:
        """The day, at the branch."""
        return self.start.date()

    @property
    def reference(self) -> Resource:
        """A reference to the Encounter."""
        return reference("Encounter", self.id)


def plan_visits(person: Person, draw: Draw) -> list[Visit]:
    """Return the visits that took place, oldest first."""
    count = draw.whole(2, 4) + len(person.problems) // 2
    weeks = sorted((draw.whole(0, WEEKS_BACK) for _ in range(count)), reverse=True)
    days = sorted({person.seat.days_before(person.last, week) for week in weeks})
    return [_visit(person, draw, n, on) for n, on in enumerate((d for d in days if d > person.birth), 1)]


def _visit(person: Person, draw: Draw, number: int, on: date) -> Visit:
    kind, problem = CHECK_UP, None
    if draw.chance(0.45):
        fitting = [p for p in ACUTE if p.ages[0] <= person.age(on) <= p.ages[1]]
        kind, problem = SYMPTOM, draw.one(fitting)
    elif person.problems and draw.chance(0.8):
        kind, problem = FOLLOW_UP, draw.one(person.problems)
    return Visit(number, f"{person.id}-e{number}", kind, person.seat.moment(on), problem)


def encounter(person: Person, visit: Visit) -> Resource:
    """Return the Encounter of a visit."""
    resource: Resource = {
        "resourceType": "Encounter",
        "id": visit.id,
        "status": "finished",
        "class": coding(f"{TERMINOLOGY}/v3-ActCode", "AMB", "ambulatory"),
        "type": [concept(SNOMED, visit.kind.snomed, visit.kind.text)],
        "subject": person.subject,
        "participant": [
            {
                "type": [concept(f"{TERMINOLOGY}/v3-ParticipationType", "PPRF", "primary performer")],
                "individual": person.practitioner,
            }
        ],
        "appointment": [reference("Appointment", f"{person.id}-a{visit.number}")],
        "period": {"start": stamp(visit.start), "end": stamp(visit.end)},
        "length": {"value": visit.kind.minutes, "unit": "min", "system": "http://unitsofmeasure.org", "code": "min"},
        "location": [
            {"location": reference("Location", person.clinic.branch_id(person.branch)), "status": "completed"}
        ],
        "serviceProvider": reference("Organization", person.clinic.branch_id(person.branch)),
    }
    if visit.problem:
        resource["reasonCode"] = [problem_concept(visit.problem)]
    return resource


def problem_concept(problem: Problem) -> Resource:
    """Return a diagnosis as SNOMED CT and ICD-10 have it."""
    return {
        "coding": [coding(SNOMED, problem.snomed, problem.text), coding(ICD10, problem.icd10)],
        "text": problem.text,
    }


def past_appointments(person: Person, visits: list[Visit], draw: Draw) -> Iterator[Resource]:
    """Yield the appointments of the visits, and now and then one that came to nothing."""
    for visit in visits:
        yield _appointment(person, f"a{visit.number}", "fulfilled", visit.start, visit.kind, problem=visit.problem)
    if not draw.chance(0.3):
        return
    missed = person.seat.days_before(person.last, draw.whole(0, WEEKS_BACK))
    if missed > person.birth and all(visit.day != missed for visit in visits):
        status = draw.one(("noshow", "cancelled"))
        resource = _appointment(person, "a0", status, person.seat.moment(missed), FOLLOW_UP)
        reason = ("pat", "Patient") if status == "noshow" else ("prov", "Provider")
        resource["cancelationReason"] = concept(f"{TERMINOLOGY}/appointment-cancellation-reason", *reason)
        yield resource


def bookings(person: Person, draw: Draw) -> Iterator[Resource]:
    """Yield what is to come: a booked or pending Appointment with its busy Slot, or a wish for one."""
    if person.death or not draw.chance(0.65):
        return
    on = person.seat.day_after(person.clinic.start, draw.whole(0, 3))
    status = "booked" if draw.chance(0.8) else draw.one(("pending", "proposed"))
    appointment = _appointment(person, "a9", status, person.seat.moment(on), CHECK_UP)
    if status == "proposed":
        begin = appointment.pop("start")
        del appointment["_start"]
        appointment["requestedPeriod"] = [{"start": begin, "end": appointment.pop("end")}]
        yield appointment
        return
    schedule = person.practitioner["reference"].partition("/")[2]
    taken = slot(f"{person.id}-s9", schedule, "busy", person.branch, person.seat.moment(on))
    taken["status"] = "busy" if status == "booked" else "busy-tentative"
    yield taken
    yield {**appointment, "slot": [reference("Slot", taken["id"])]}


def _appointment(
    person: Person, number: str, status: str, start: datetime, kind: VisitKind, *, problem: Problem | None = None
) -> Resource:
    answered = "accepted" if status in {"booked", "fulfilled", "noshow"} else "declined"
    if status in {"pending", "proposed"}:
        answered = "needs-action"
    specialty = SPECIALTIES[person.seat.practitioner]
    made = start - timedelta(days=9)
    resource: Resource = {
        "resourceType": "Appointment",
        "id": f"{person.id}-{number}",
        "status": status,
        "serviceType": [concept(f"{CODES}/services", "consultation", "Consultation")],
        "specialty": [concept(SNOMED, *specialty)],
        "appointmentType": concept(f"{TERMINOLOGY}/v2-0276", "ROUTINE", "Routine appointment"),
        "description": kind.text,
        "start": stamp(start),
        "_start": in_zone(person.branch),
        "end": stamp(start + timedelta(minutes=kind.minutes)),
        "minutesDuration": kind.minutes,
        "created": stamp(made)[:10] if made.date() < person.clinic.start else person.clinic.start.isoformat(),
        "participant": [
            {"actor": person.subject, "required": "required", "status": answered},
            {"actor": person.practitioner, "required": "required", "status": answered},
            {
                "actor": reference("Location", person.clinic.branch_id(person.branch)),
                "required": "required",
                "status": "accepted",
            },
        ],
    }
    if problem:
        resource["reasonCode"] = [problem_concept(problem)]
    if person.age(start.date()) < ADULT:
        resource["comment"] = "Comes with a parent."
    return resource

"""What is found and done: conditions, allergies, prescriptions, immunizations, procedures, care plans.

https://hl7.org/fhir/R4/clinicalsummary-module.html and https://hl7.org/fhir/R4/medications-module.html
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_server.sample_clinic.catalogue import ACTS, ATC, CVX, MEDICINES, RXNORM, SNOMED, VACCINES, Medicine, Problem
from fhir_server.sample_clinic.person import ADULT, YEAR
from fhir_server.sample_clinic.shapes import TERMINOLOGY, Resource, coding, concept, day, reference, stamp
from fhir_server.sample_clinic.visits import problem_concept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from fhir_server.sample_clinic.draw import Draw
    from fhir_server.sample_clinic.person import Person
    from fhir_server.sample_clinic.visits import Visit

_INSTEAD = {"764146007": ("amoxicillin", "azithromycin"), "387458008": ("ibuprofen", "paracetamol")}
"""What is given instead to those allergic to penicillin and to aspirin."""


def conditions(person: Person, visits: list[Visit], draw: Draw) -> Iterator[Resource]:
    """Yield the chronic Conditions, then those that came and went with a visit."""
    first = visits[0] if visits else None
    known = first.day if first else person.last
    for number, problem in enumerate(person.problems, 1):
        onset = draw.day(person.birth + timedelta(days=round(problem.ages[0] * YEAR)), known)
        yield _condition(person, f"d{number}", problem, onset=min(onset, known), recorded=known, visit=first)
    for visit in visits:
        if visit.problem and not visit.problem.chronic:
            onset = max(visit.day - timedelta(days=draw.whole(0, 4)), person.birth)
            over = visit.day + timedelta(days=draw.whole(4, 15))
            ended = over if over <= person.last else None
            yield _condition(
                person, f"d-e{visit.number}", visit.problem, onset=onset, recorded=visit.day, visit=visit, ended=ended
            )


def _condition(
    person: Person,
    suffix: str,
    problem: Problem,
    *,
    onset: date,
    recorded: date,
    visit: Visit | None,
    ended: date | None = None,
) -> Resource:
    status = ("resolved", "Resolved") if ended else ("active", "Active")
    resource: Resource = {
        "resourceType": "Condition",
        "id": f"{person.id}-{suffix}",
        "clinicalStatus": concept(f"{TERMINOLOGY}/condition-clinical", *status),
        "verificationStatus": concept(f"{TERMINOLOGY}/condition-ver-status", "confirmed", "Confirmed"),
        "category": [
            concept(f"{TERMINOLOGY}/condition-category", "problem-list-item", "Problem List Item")
            if problem.chronic
            else concept(f"{TERMINOLOGY}/condition-category", "encounter-diagnosis", "Encounter Diagnosis")
        ],
        "code": problem_concept(problem),
        "subject": person.subject,
        "onsetDateTime": day(onset),
        "recordedDate": day(recorded),
        "recorder": person.practitioner,
    }
    if visit:
        resource["encounter"] = visit.reference
    if ended:
        resource["abatementDateTime"] = day(ended)
    return resource


def allergies(person: Person, draw: Draw) -> Iterator[Resource]:
    """Yield an AllergyIntolerance for each allergen."""
    for number, allergen in enumerate(person.allergens, 1):
        recorded = draw.day(person.birth + timedelta(days=min(200, (person.last - person.birth).days)), person.last)
        severity = "severe" if allergen.criticality == "high" and draw.chance(0.4) else draw.one(("mild", "moderate"))
        yield {
            "resourceType": "AllergyIntolerance",
            "id": f"{person.id}-l{number}",
            "clinicalStatus": concept(f"{TERMINOLOGY}/allergyintolerance-clinical", "active", "Active"),
            "verificationStatus": concept(f"{TERMINOLOGY}/allergyintolerance-verification", "confirmed", "Confirmed"),
            "type": "allergy",
            "category": [allergen.category],
            "criticality": allergen.criticality,
            "code": concept(SNOMED, allergen.snomed, allergen.text),
            "patient": person.subject,
            "recordedDate": day(recorded),
            "recorder": person.practitioner,
            "reaction": [
                {"manifestation": [concept(SNOMED, *draw.one(allergen.manifestations))], "severity": severity}
            ],
        }


def prescriptions(person: Person, visits: list[Visit], draw: Draw) -> Iterator[Resource]:
    """Yield MedicationRequests and MedicationDispenses: what is taken for good, and short courses."""
    number = 0
    for problem in person.problems:
        for key in problem.medicines[: draw.whole(1, 2)]:
            medicine = _tolerated(person, key, person.age(person.last))
            if medicine and visits:
                number += 1
                visit = draw.one(visits)
                yield from _prescription(person, visit, medicine, f"m{number}", draw, problem=problem)
    for visit in visits:
        if visit.problem and not visit.problem.chronic and visit.problem.medicines:
            medicine = _tolerated(person, visit.problem.medicines[0], person.age(visit.day))
            if medicine:
                number += 1
                yield from _prescription(person, visit, medicine, f"m{number}", draw, problem=visit.problem)


def _tolerated(person: Person, key: str, age: int) -> Medicine | None:
    for allergen in person.allergens:
        avoided, instead = _INSTEAD.get(allergen.snomed, ("", ""))
        key = instead if key == avoided else key
    medicine = MEDICINES[key]
    return medicine if age >= medicine.least_age else None


def _prescription(
    person: Person, visit: Visit, medicine: Medicine, suffix: str, draw: Draw, *, problem: Problem
) -> Iterator[Resource]:
    goes_on = problem.chronic
    over = visit.day + timedelta(days=medicine.days) <= person.last
    status = "completed" if (over and not goes_on) or person.death else "active"
    if status == "active" and goes_on and draw.chance(0.12):
        status = "stopped"
    what = {
        "coding": [coding(RXNORM, medicine.rxnorm, medicine.ingredient), coding(ATC, medicine.atc)],
        "text": medicine.text,
    }
    yield {
        "resourceType": "MedicationRequest",
        "id": f"{person.id}-{suffix}",
        "status": status,
        "intent": "order",
        # Half of them name the clinic's Medication, half the code: both are common.
        **(
            {"medicationCodeableConcept": what}
            if draw.chance(0.5)
            else {"medicationReference": reference("Medication", f"{person.clinic.prefix}-{medicine.key}", medicine.text)}
        ),
        "subject": person.subject,
        "encounter": visit.reference,
        "authoredOn": stamp(visit.end),
        "requester": person.practitioner,
        "reasonCode": [problem_concept(problem)],
        "dosageInstruction": [_dosage(medicine)],
        "dispenseRequest": {
            "validityPeriod": {"start": day(visit.day), "end": day(visit.day + timedelta(days=365 if goes_on else 30))},
            "numberOfRepeatsAllowed": 3 if goes_on else 0,
            "quantity": {"value": _amount(medicine), "unit": medicine.unit},
            "expectedSupplyDuration": {
                "value": medicine.days, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"
            },
        },
        "substitution": {"allowedBoolean": draw.chance(0.8)},
    }  # fmt: skip
    if draw.chance(0.7):
        handed = visit.end + timedelta(minutes=draw.whole(20, 300))
        yield _dispense(person, f"{person.id}-{suffix}", what, medicine, handed)


def _amount(medicine: Medicine) -> Decimal:
    return Decimal(medicine.dose) * medicine.frequency * medicine.days


def _dosage(medicine: Medicine) -> Resource:
    times = f"{medicine.frequency} times a day" if medicine.frequency > 1 else "once a day"
    dose = Decimal(medicine.dose)
    return {
        "sequence": 1,
        "text": f"{medicine.dose} {medicine.unit} {times}{', when needed' if medicine.as_needed else ''}",
        "timing": {"repeat": {"frequency": medicine.frequency, "period": 1, "periodUnit": "d"}},
        "asNeededBoolean": medicine.as_needed,
        "route": concept(SNOMED, "447694001", "Respiratory tract route")
        if medicine.unit == "puff"
        else concept(SNOMED, "26643006", "Oral route"),
        "doseAndRate": [{"doseQuantity": {"value": dose, "unit": medicine.unit}}],
    }


def _dispense(person: Person, order: str, what: Resource, medicine: Medicine, handed: datetime) -> Resource:
    return {
        "resourceType": "MedicationDispense",
        "id": f"{order}-h",
        "status": "completed",
        "medicationCodeableConcept": what,
        "subject": person.subject,
        "performer": [{"actor": reference("Organization", f"{person.clinic.prefix}-pharmacy", "Meridian Pharmacy")}],
        "authorizingPrescription": [reference("MedicationRequest", order)],
        "quantity": {"value": _amount(medicine), "unit": medicine.unit},
        "daysSupply": {"value": medicine.days, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"},
        "whenPrepared": stamp(handed - timedelta(minutes=15)),
        "whenHandedOver": stamp(handed),
        "dosageInstruction": [_dosage(medicine)],
    }


def immunizations(person: Person, visits: list[Visit], draw: Draw) -> Iterator[Resource]:
    """Yield Immunizations: by age within the last twelve years, and influenza in autumn."""
    number = 0
    for vaccine in VACCINES:
        due: list[tuple[date, Visit | None]] = [
            (person.birth + timedelta(days=round(age * YEAR) + draw.whole(20, 90)), None) for age in vaccine.ages
        ]
        if vaccine.yearly:
            least = vaccine.ages[0]
            due = [(v.day, v) for v in visits if v.day.month >= 10 and person.age(v.day) >= least]  # noqa: PLR2004
        for dose, (on, visit) in enumerate(due, 1):
            if person.clinic.start - timedelta(days=round(12 * YEAR)) < on <= person.last:
                number += 1
                resource: Resource = {
                    "resourceType": "Immunization",
                    "id": f"{person.id}-i{number}",
                    "status": "completed",
                    "vaccineCode": concept(CVX, vaccine.cvx, vaccine.text),
                    "patient": person.subject,
                    "occurrenceDateTime": day(on),
                    "primarySource": True,
                    "location": reference("Location", person.clinic.branch_id(person.branch)),
                    "lotNumber": draw.digits("L####-#"),
                    "expirationDate": day(on + timedelta(days=draw.whole(60, 500))),
                    "site": concept(f"{TERMINOLOGY}/v3-ActSite", "LA", "left arm"),
                    "route": concept(f"{TERMINOLOGY}/v3-RouteOfAdministration", "IM", "Injection, intramuscular"),
                    "doseQuantity": {
                        "value": Decimal("0.5"),
                        "unit": "mL",
                        "system": "http://unitsofmeasure.org",
                        "code": "mL",
                    },
                    "performer": [{"actor": person.practitioner}],
                    "protocolApplied": [
                        {
                            "targetDisease": [concept(SNOMED, *vaccine.target)],
                            "doseNumberPositiveInt": 1 if vaccine.yearly else dose,
                        }
                    ],
                }
                if visit:
                    resource["encounter"] = visit.reference
                yield resource


def procedures(person: Person, visits: list[Visit], draw: Draw) -> Iterator[Resource]:
    """Yield a Procedure at some of the visits."""
    for visit in visits:
        if draw.chance(0.2):
            act = draw.one([act for act in ACTS if act.least_age <= person.age(visit.day)])
            yield {
                "resourceType": "Procedure",
                "id": f"{visit.id}-x",
                "status": "completed",
                "code": concept(SNOMED, act.snomed, act.text),
                "subject": person.subject,
                "encounter": visit.reference,
                "performedPeriod": {
                    "start": stamp(visit.start + timedelta(minutes=5)),
                    "end": stamp(visit.start + timedelta(minutes=5 + act.minutes)),
                },
                "performer": [{"actor": person.practitioner}],
                "location": reference("Location", person.clinic.branch_id(person.branch)),
            }


def care_plan(person: Person, visits: list[Visit]) -> Iterator[Resource]:
    """Yield a CarePlan for those with more than one chronic problem."""
    if len(person.problems) > 1 and visits and person.age(visits[0].day) >= ADULT:
        yield {
            "resourceType": "CarePlan",
            "id": f"{person.id}-plan",
            "status": "completed" if person.death else "active",
            "intent": "plan",
            "category": [concept(SNOMED, "734163000", "Care plan")],
            "title": "Plan of care for " + ", ".join(p.text.lower() for p in person.problems),
            "subject": person.subject,
            "encounter": visits[0].reference,
            "period": {"start": day(visits[0].day), **({"end": day(person.last)} if person.death else {})},
            "created": day(visits[0].day),
            "author": person.practitioner,
            "addresses": [reference("Condition", f"{person.id}-d{n}") for n in range(1, len(person.problems) + 1)],
            "activity": [
                {
                    "detail": {
                        "kind": "Appointment",
                        "code": concept(SNOMED, "390906007", "Follow-up encounter"),
                        "status": "completed" if person.death else "in-progress",
                        "description": "Seen every three months",
                    }
                }
            ],
        }

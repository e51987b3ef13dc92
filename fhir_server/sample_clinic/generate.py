"""Makes the sample clinic: a stream of transaction Bundles, first the clinic, then one a patient.

Every entry is an update with an id of its own (`PUT Patient/c1-p0000017`), so that loading the same
clinic twice changes nothing but version numbers. References are literal and relative; the
fullUrls are RESTful, so that they resolve inside the Bundle as well.

https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from fhir_server.sample_clinic import billing, measurements, papers, staff, treatment, visits
from fhir_server.sample_clinic.clinic import Clinic, patients_a_turn
from fhir_server.sample_clinic.draw import Draw
from fhir_server.sample_clinic.person import draw_person, family_links, patient
from fhir_server.sample_clinic.shapes import BASE, Resource
from fhir_server.sample_clinic.tables import load_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date


def sample_clinic(patients: int, seed: int, start: date, *, part: tuple[int, int] = (0, 1)) -> Iterator[Resource]:
    """Yield the Bundles of a clinic as it stands on the day `start`.

    The same seed and start give the same Bundles; asking for more patients only adds Bundles.
    `part` = (2, 4) yields the third quarter of them, for processes that share the work.
    """
    clinic, a_turn = Clinic(seed, start), patients_a_turn()
    this, parts = part
    for number in range(max(patients, 1)):
        turn, place = divmod(number, a_turn)
        if place == 0 and turn % parts == this:
            yield transaction(_clinic_resources(clinic, turn))
        if number < patients and number % parts == this:
            yield transaction(patient_resources(clinic, number))


def _clinic_resources(clinic: Clinic, turn: int) -> Iterator[Resource]:
    """Yield what is there before patients come: everything the first time, only new practitioners later."""
    branches = load_tables().branches
    if turn == 0:
        yield from staff.network(clinic)
        yield from chain.from_iterable(staff.branch_resources(clinic, branch) for branch in branches)
    yield from chain.from_iterable(staff.team(clinic, branch, turn) for branch in branches)


def patient_resources(clinic: Clinic, number: int) -> Iterator[Resource]:
    """Yield everything known of one patient."""
    draw = Draw(clinic.seed, "patient", number)
    person = draw_person(clinic, number, draw)
    took_place = visits.plan_visits(person, draw)
    yield patient(person, draw)
    yield from family_links(person, draw)
    yield from billing.coverage(person, draw)
    yield from papers.consent(person, took_place, draw)
    yield from treatment.allergies(person, draw)
    yield from visits.past_appointments(person, took_place, draw)
    for visit in took_place:
        yield visits.encounter(person, visit)
        yield from measurements.vital_signs(person, visit, draw)
        panels = measurements.panels_for(person, visit, draw)
        for position, panel in enumerate(panels, 1):
            yield from measurements.laboratory(person, visit, panel, position, draw)
        yield from billing.bills(person, visit, panels, draw)
    yield from treatment.conditions(person, took_place, draw)
    yield from treatment.prescriptions(person, took_place, draw)
    yield from treatment.immunizations(person, took_place, draw)
    yield from treatment.procedures(person, took_place, draw)
    yield from treatment.care_plan(person, took_place)
    yield from papers.letters(person, took_place, draw)
    yield from papers.provenance(person, took_place)
    yield from visits.bookings(person, draw)


def transaction(resources: Iterable[Resource]) -> Resource:
    """Return a transaction Bundle that makes each resource the newest version under its id."""
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"{BASE}/{resource['resourceType']}/{resource['id']}",
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in resources
        ],
    }

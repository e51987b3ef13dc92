"""The paperwork: consent, letters, and where the record came from.

https://hl7.org/fhir/R4/consent.html, https://hl7.org/fhir/R4/documentreference.html
and https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING

from fhir_server.sample_clinic.catalogue import LOINC
from fhir_server.sample_clinic.shapes import TERMINOLOGY, Resource, concept, reference, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.sample_clinic.draw import Draw
    from fhir_server.sample_clinic.person import Person
    from fhir_server.sample_clinic.visits import Visit


def consent(person: Person, visits: list[Visit], draw: Draw) -> Iterator[Resource]:
    """Yield the consent to treatment and sharing that is signed at the first visit."""
    if visits:
        permit = draw.chance(0.92)
        yield {
            "resourceType": "Consent",
            "id": f"{person.id}-consent",
            "status": "active",
            "scope": concept(f"{TERMINOLOGY}/consentscope", "patient-privacy", "Privacy Consent"),
            "category": [concept(LOINC, "59284-0", "Consent Document")],
            "patient": person.subject,
            "dateTime": stamp(visits[0].start),
            "performer": [person.subject],
            "organization": [reference("Organization", person.clinic.branch_id(person.branch))],
            "policyRule": concept(f"{TERMINOLOGY}/v3-ActCode", "OPTIN" if permit else "OPTOUT"),
            "provision": {
                "type": "permit" if permit else "deny",
                "purpose": [{"system": f"{TERMINOLOGY}/v3-ActReason", "code": "TREAT", "display": "treatment"}],
            },
        }


def letters(person: Person, visits: list[Visit], draw: Draw) -> Iterator[Resource]:
    """Yield a DocumentReference with a short letter for some of the visits."""
    for visit in visits:
        if draw.chance(0.15):
            text = f"{visit.kind.text} on {visit.day}. " + (f"Reason: {visit.problem.text}." if visit.problem else "")
            content = text.encode()
            yield {
                "resourceType": "DocumentReference",
                "id": f"{visit.id}-t",
                "status": "current",
                "docStatus": "final",
                "type": concept(LOINC, "11506-3", "Progress note"),
                "subject": person.subject,
                "date": stamp(visit.end),
                "author": [person.practitioner],
                "custodian": reference("Organization", person.clinic.branch_id(person.branch)),
                "content": [
                    {
                        "attachment": {
                            "contentType": "text/plain; charset=utf-8",
                            "language": "en",
                            "data": b64encode(content).decode(),
                            "size": len(content),
                            "hash": b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode(),
                            "title": f"{visit.kind.text}, {visit.day}",
                            "creation": stamp(visit.end),
                        }
                    }
                ],
                "context": {
                    "encounter": [visit.reference],
                    "period": {"start": stamp(visit.start), "end": stamp(visit.end)},
                },
            }


def provenance(person: Person, visits: list[Visit]) -> Iterator[Resource]:
    """Yield who wrote the record of each patient's last visit."""
    if visits:
        visit = visits[-1]
        yield {
            "resourceType": "Provenance",
            "id": f"{person.id}-origin",
            "target": [reference("Patient", person.id), visit.reference],
            "occurredPeriod": {"start": stamp(visit.start), "end": stamp(visit.end)},
            "recorded": stamp(visit.end + timedelta(minutes=5)),
            "activity": concept(f"{TERMINOLOGY}/v3-DataOperation", "UPDATE", "revise"),
            "agent": [
                {
                    "type": concept(f"{TERMINOLOGY}/provenance-participant-type", "author", "Author"),
                    "who": person.practitioner,
                    "onBehalfOf": reference("Organization", person.clinic.branch_id(person.branch)),
                }
            ],
        }

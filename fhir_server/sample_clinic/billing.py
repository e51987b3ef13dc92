"""Who pays: coverage, claims and their answers, charges and invoices of those who pay themselves.

https://hl7.org/fhir/R4/financial-module.html
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_server.sample_clinic.shapes import CODES, NAMING, TERMINOLOGY, Resource, concept, day, money, reference, stamp
from fhir_server.sample_clinic.staff import INSURERS
from fhir_server.sample_clinic.visits import problem_concept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.sample_clinic.catalogue import Panel
    from fhir_server.sample_clinic.draw import Draw
    from fhir_server.sample_clinic.person import Person
    from fhir_server.sample_clinic.visits import Visit

_SELF_PAID = Decimal("0.15")
_ANSWERED_AFTER = 21


def coverage(person: Person, draw: Draw) -> Iterator[Resource]:
    """Yield the Coverage of the insured."""
    if person.insurer:
        begins = draw.day(person.birth, person.last)
        yield {
            "resourceType": "Coverage",
            "id": f"{person.id}-cov",
            "identifier": [{"system": f"{NAMING}/policy/{person.insurer}", "value": draw.digits("P########")}],
            "status": "cancelled" if person.death else "active",
            "type": concept(f"{TERMINOLOGY}/v3-ActCode", "EHCPOL", "extended healthcare"),
            "subscriber": person.subject,
            "subscriberId": draw.digits("S#######"),
            "beneficiary": person.subject,
            "relationship": concept(f"{TERMINOLOGY}/subscriber-relationship", "self", "Self"),
            "period": {"start": day(begins), **({"end": day(person.death)} if person.death else {})},
            "payor": [_insurer(person)],
        }


def bills(person: Person, visit: Visit, panels: list[Panel], draw: Draw) -> Iterator[Resource]:
    """Yield what a visit costs: Claim and ExplanationOfBenefit, or ChargeItems and an Invoice."""
    lines = [("consultation", visit.kind.text, visit.kind.price)]
    lines += [(f"laboratory-{panel.key}", panel.text, panel.price) for panel in panels]
    if not person.insurer:
        yield from _invoice(person, visit, lines, draw)
        return
    yield _claim(person, visit, lines)
    if visit.day + timedelta(days=_ANSWERED_AFTER) < person.clinic.start:
        yield _explanation(person, visit, lines)


Lines = list[tuple[str, str, int]]


def _claim(person: Person, visit: Visit, lines: Lines) -> Resource:
    total = sum(price for _, _, price in lines)
    resource: Resource = {
        "resourceType": "Claim",
        "id": f"{visit.id}-c",
        "status": "active",
        "type": concept(f"{TERMINOLOGY}/claim-type", "professional", "Professional"),
        "use": "claim",
        "patient": person.subject,
        "billablePeriod": {"start": stamp(visit.start), "end": stamp(visit.end)},
        "created": day(visit.end),
        "insurer": _insurer(person),
        "provider": reference("Organization", person.clinic.branch_id(person.branch)),
        "priority": concept(f"{TERMINOLOGY}/processpriority", "normal", "Normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": reference("Coverage", f"{person.id}-cov")}],
        "item": [
            {
                "sequence": number,
                "productOrService": concept(f"{CODES}/services", code, text),
                "servicedDate": day(visit.day),
                "unitPrice": money(price, person.branch),
                "net": money(price, person.branch),
                "encounter": [visit.reference],
            }
            for number, (code, text, price) in enumerate(lines, 1)
        ],
        "total": money(total, person.branch),
    }
    if visit.problem:
        resource["diagnosis"] = [{"sequence": 1, "diagnosisCodeableConcept": problem_concept(visit.problem)}]
    return resource


def _explanation(person: Person, visit: Visit, lines: Lines) -> Resource:
    total = Decimal(sum(price for _, _, price in lines))
    own = total * _SELF_PAID
    answered = visit.day + timedelta(days=_ANSWERED_AFTER)
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": f"{visit.id}-b",
        "status": "active",
        "type": concept(f"{TERMINOLOGY}/claim-type", "professional", "Professional"),
        "use": "claim",
        "patient": person.subject,
        "billablePeriod": {"start": stamp(visit.start), "end": stamp(visit.end)},
        "created": day(answered),
        "insurer": _insurer(person),
        "provider": reference("Organization", person.clinic.branch_id(person.branch)),
        "claim": reference("Claim", f"{visit.id}-c"),
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": reference("Coverage", f"{person.id}-cov")}],
        "item": [
            {
                "sequence": number,
                "productOrService": concept(f"{CODES}/services", code, text),
                "servicedDate": day(visit.day),
                "net": money(price, person.branch),
                "adjudication": [
                    _adjudicated("submitted", money(price, person.branch)),
                    _adjudicated("copay", money(price * _SELF_PAID, person.branch)),
                ],
            }
            for number, (code, text, price) in enumerate(lines, 1)
        ],
        "total": [
            {"category": _category("submitted"), "amount": money(total, person.branch)},
            {"category": _category("benefit"), "amount": money(total - own, person.branch)},
        ],
        "payment": {"date": day(answered + timedelta(days=3)), "amount": money(total - own, person.branch)}
        if answered + timedelta(days=3) < person.clinic.start
        else {"amount": money(total - own, person.branch)},
    }


def _invoice(person: Person, visit: Visit, lines: Lines, draw: Draw) -> Iterator[Resource]:
    for number, (code, text, price) in enumerate(lines, 1):
        yield {
            "resourceType": "ChargeItem",
            "id": f"{visit.id}-g{number}",
            "status": "billed",
            "code": concept(f"{CODES}/services", code, text),
            "subject": person.subject,
            "context": visit.reference,
            "occurrenceDateTime": stamp(visit.start),
            "performer": [{"actor": person.practitioner}],
            "quantity": {"value": 1},
            "priceOverride": money(price, person.branch),
            "enteredDate": stamp(visit.end),
        }
    settled = draw.chance(0.8)
    total = money(sum(price for _, _, price in lines), person.branch)
    yield {
        "resourceType": "Invoice",
        "id": f"{visit.id}-n",
        "identifier": [{"system": f"{NAMING}/invoice", "value": visit.id}],
        "status": "balanced" if settled else "issued",
        "subject": person.subject,
        "recipient": person.subject,
        "date": stamp(visit.end),
        "issuer": reference("Organization", person.clinic.branch_id(person.branch)),
        "lineItem": [
            {
                "sequence": number,
                "chargeItemReference": reference("ChargeItem", f"{visit.id}-g{number}", text),
                "priceComponent": [{"type": "base", "amount": money(price, person.branch)}],
            }
            for number, (_, text, price) in enumerate(lines, 1)
        ],
        "totalNet": total,
        "totalGross": total,
        "paymentTerms": "Within 30 days",
    }


def _insurer(person: Person) -> Resource:
    return reference("Organization", f"{person.clinic.prefix}-insurer-{person.insurer}", INSURERS[person.insurer - 1])


def _category(code: str) -> Resource:
    return concept(f"{TERMINOLOGY}/adjudication", code)


def _adjudicated(code: str, amount: Resource) -> Resource:
    return {"category": _category(code), "amount": amount}

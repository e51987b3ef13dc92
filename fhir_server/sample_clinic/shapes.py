"""The small FHIR shapes every part of the clinic is built of: codings, quantities, references, times.

https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_server.sample_clinic.catalogue import UCUM, UNITS_OF_CURRENCY

if TYPE_CHECKING:
    from datetime import date, datetime

    from fhir_server.sample_clinic.tables import Branch

Resource = dict[str, Any]

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
BASE = "https://clinic.example/fhir"
NAMING = "https://clinic.example/identifiers"
CODES = "https://clinic.example/codes"
ZONE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/tz-code"


def coding(system: str, code: str, display: str = "") -> Resource:
    """Return a Coding."""
    return {"system": system, "code": code, "display": display} if display else {"system": system, "code": code}


def concept(system: str, code: str, display: str = "") -> Resource:
    """Return a CodeableConcept with one coding, and its display as text."""
    if not display:
        return {"coding": [{"system": system, "code": code}]}
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def quantity(value: Decimal | int, unit: str, code: str) -> Resource:
    """Return a UCUM Quantity."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code}


def reference(resource_type: str, id_: str, display: str = "") -> Resource:
    """Return a literal reference."""
    literal = f"{resource_type}/{id_}"
    return {"reference": literal, "display": display} if display else {"reference": literal}


def stamp(moment: datetime) -> str:
    """Return a dateTime or instant in the local time of the moment (`2026-03-01T09:30:00+09:00`)."""
    return moment.isoformat(timespec="seconds")


def day(moment: date | datetime) -> str:
    """Return the date alone."""
    return moment.isoformat()[:10]


def money(units: Decimal | int, branch: Branch) -> Resource:
    """Return an amount of the branch's currency; `units` are price units."""
    worth = Decimal(units) * UNITS_OF_CURRENCY[branch.currency]
    whole = branch.currency in {"JPY", "KRW", "VND"}
    return {"value": worth.quantize(Decimal(1) if whole else Decimal("0.01")), "currency": branch.currency}


def in_zone(branch: Branch) -> Resource:
    """Return what stands beside a time (`_start`) to name its time zone."""
    return {"extension": [{"url": ZONE_EXTENSION, "valueCode": branch.zone_name}]}

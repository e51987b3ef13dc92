"""What is measured: vital signs at each visit, and laboratory panels with order and report.

https://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from fhir_server.sample_clinic.catalogue import LOINC, PANELS, Analyte, Panel
from fhir_server.sample_clinic.draw import decimal_of
from fhir_server.sample_clinic.person import ADULT, YEAR
from fhir_server.sample_clinic.shapes import TERMINOLOGY, Resource, concept, quantity, reference, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_server.sample_clinic.draw import Draw
    from fhir_server.sample_clinic.person import Person
    from fhir_server.sample_clinic.visits import Visit

_GROWTH = ((0, 50, 13.4), (1, 75, 16.8), (2, 87, 16.2), (4, 103, 15.6), (6, 116, 15.4), (8, 128, 16.0),
           (10, 138, 16.8), (12, 149, 17.9), (14, 161, 19.2), (16, 169, 20.6), (18, 172, 22.0), (120, 172, 25.5))  # fmt: skip
"""Age in years, usual height in cm, usual body mass index."""

_SHIFTS = {
    ("44054006", "2345-7"): 48.0,  # diabetes: glucose
    ("271737000", "718-7"): -3.2,  # anaemia: haemoglobin
    ("55822004", "2093-3"): 42.0,  # hyperlipidaemia: cholesterol
    ("40930008", "3016-3"): 2.4,  # hypothyroidism: thyrotropin
}
"""By how much a problem (SNOMED CT) moves the usual value of a measurement (LOINC)."""

_HYPERTENSION, _INFECTIONS = "38341003", frozenset({"281794004", "10509002", "43878008", "3110003"})


def vital_signs(person: Person, visit: Visit, draw: Draw) -> Iterator[Resource]:
    """Yield the vital signs of a visit: few for a short one, all for a check-up."""
    age = (visit.day - person.birth).days / YEAR
    systolic = draw.spread(88 + age * 1.7 if age < ADULT else 114 + 0.2 * (age - ADULT), 9)
    if person.has(_HYPERTENSION):
        systolic += 12
    yield _blood_pressure(person, visit, round(systolic), round(systolic * 0.62 + draw.spread(2, 4)))
    pulse = draw.spread(128 - age * 5 if age < 10 else 75, 8)  # noqa: PLR2004
    yield _vital(person, visit, "2", ("8867-4", "Heart rate"), (round(pulse), "/min"), normal=(60, 100))
    fever = 1.3 if visit.problem and visit.problem.snomed in _INFECTIONS else 0
    warmth = decimal_of(draw.spread(36.7 + fever, 0.25), 1)
    yield _vital(
        person, visit, "3", ("8310-5", "Body temperature"), (warmth, "Cel"), normal=(Decimal("36.0"), Decimal("37.5"))
    )
    if visit.kind.key == "follow-up":
        return
    breaths = round(draw.spread(34 - age * 1.6 if age < 12 else 15, 1.6))  # noqa: PLR2004
    yield _vital(person, visit, "4", ("9279-1", "Respiratory rate"), (breaths, "/min"), normal=(12, 20))
    oxygen = min(round(draw.spread(97.6, 1.0)), 100)
    yield _vital(person, visit, "5", ("2708-6", "Oxygen saturation"), (oxygen, "%"), normal=(94, 100))
    if visit.kind.key == "check-up":
        yield from _body(person, visit, age, draw)


def _body(person: Person, visit: Visit, age: float, draw: Draw) -> Iterator[Resource]:
    height, index = _grown(age)
    # What a person is (short, heavy) hangs on the number, so that it stays the same from visit to visit.
    height *= 0.93 + (person.number * 7919 % 100) / 100 * 0.12
    index *= 0.85 + (person.number * 104729 % 100) / 100 * 0.4
    centimetres = decimal_of(height, 1)
    kilograms = decimal_of(draw.spread(index, 0.3) * height * height / 10_000, 1)
    yield _vital(person, visit, "6", ("8302-2", "Body height"), (centimetres, "cm"))
    yield _vital(person, visit, "7", ("29463-7", "Body weight"), (kilograms, "kg"))
    mass_index = (kilograms * 10_000 / (centimetres * centimetres)).quantize(Decimal("0.1"))
    normal = (Decimal("18.5"), Decimal("24.9")) if age >= ADULT else None
    yield _vital(person, visit, "8", ("39156-5", "Body mass index"), (mass_index, "kg/m2"), normal=normal)


def _grown(age: float) -> tuple[float, float]:
    for (low, height, index), (high, taller, larger) in pairwise(_GROWTH):
        if age < high:
            part = (age - low) / (high - low) if high <= ADULT else 1.0
            return height + (taller - height) * part, index + (larger - index) * part
    return _GROWTH[-1][1], _GROWTH[-1][2]


def _vital(
    person: Person,
    visit: Visit,
    suffix: str,
    code: tuple[str, str],
    measured: tuple[Decimal | int, str],
    *,
    normal: tuple[Decimal | int, Decimal | int] | None = None,
) -> Resource:
    value, unit = measured
    resource = _observation(person, visit, f"{visit.id}-v{suffix}", "vital-signs", concept(LOINC, *code))
    resource["valueQuantity"] = quantity(value, unit, unit)
    if normal and person.age(visit.day) >= ADULT:
        resource["interpretation"] = [_interpretation(value, *normal)]
        resource["referenceRange"] = [{"low": quantity(normal[0], unit, unit), "high": quantity(normal[1], unit, unit)}]
    return resource


def _blood_pressure(person: Person, visit: Visit, systolic: int, diastolic: int) -> Resource:
    resource = _observation(
        person, visit, f"{visit.id}-v1", "vital-signs", concept(LOINC, "85354-9", "Blood pressure panel")
    )
    if person.age(visit.day) >= ADULT:
        high = systolic >= 140 or diastolic >= 90  # noqa: PLR2004
        resource["interpretation"] = [_INTERPRETATIONS["H" if high else "N"]]
    resource["component"] = [
        {
            "code": concept(LOINC, "8480-6", "Systolic blood pressure"),
            "valueQuantity": quantity(systolic, "mmHg", "mm[Hg]"),
        },
        {
            "code": concept(LOINC, "8462-4", "Diastolic blood pressure"),
            "valueQuantity": quantity(diastolic, "mmHg", "mm[Hg]"),
        },
    ]
    return resource


def laboratory(person: Person, visit: Visit, panel: Panel, number: int, draw: Draw) -> Iterator[Resource]:
    """Yield the order, the results and the report of a panel."""
    order, report = f"{visit.id}-o{number}", f"{visit.id}-r{number}"
    lab = reference("Organization", f"{person.clinic.prefix}-laboratory", "Meridian Laboratory")
    code = concept(LOINC, panel.loinc, panel.text)
    yield {
        "resourceType": "ServiceRequest",
        "id": order,
        "status": "completed",
        "intent": "order",
        "category": [concept("http://snomed.info/sct", "108252007", "Laboratory procedure")],
        "code": code,
        "subject": person.subject,
        "encounter": visit.reference,
        "authoredOn": stamp(visit.end),
        "requester": person.practitioner,
        "performer": [lab],
    }
    issued = visit.end + timedelta(hours=draw.whole(3, 20))
    results = []
    for position, (analyte, value) in enumerate(_values(person, panel, draw), 1):
        result = _result(person, visit, f"{report}-{position}", analyte, value)
        result["basedOn"], result["issued"], result["performer"] = (
            [reference("ServiceRequest", order)],
            stamp(issued),
            [lab],
        )
        results.append(result)
    yield from results
    yield {
        "resourceType": "DiagnosticReport",
        "id": report,
        "basedOn": [reference("ServiceRequest", order)],
        "status": "final",
        "category": [concept(f"{TERMINOLOGY}/v2-0074", "LAB", "Laboratory")],
        "code": code,
        "subject": person.subject,
        "encounter": visit.reference,
        "effectiveDateTime": stamp(visit.end),
        "issued": stamp(issued),
        "performer": [lab],
        "result": [reference("Observation", result["id"], result["code"]["text"]) for result in results],
    }


def _values(person: Person, panel: Panel, draw: Draw) -> Iterator[tuple[Analyte, Decimal | int]]:
    drawn: dict[str, Decimal] = {}
    for analyte in panel.analytes:
        shift = sum(_SHIFTS.get((problem.snomed, analyte.loinc), 0.0) for problem in person.problems)
        value = draw.measured(analyte.mean + shift, analyte.deviation, analyte.places, *analyte.possible)
        if analyte.loinc == "13457-7":  # LDL is calculated (Friedewald)
            value = max((drawn["2093-3"] - drawn["2085-9"] - drawn["2571-8"] / 5).quantize(Decimal(1)), Decimal(20))
        if analyte.loinc == "4544-3":  # haematocrit goes with haemoglobin
            value = (drawn["718-7"] * 3 + decimal_of(draw.spread(0, 0.4), 1)).quantize(Decimal("0.1"))
        drawn[analyte.loinc] = value
        yield analyte, value if analyte.places else int(value)


def _result(person: Person, visit: Visit, id_: str, analyte: Analyte, value: Decimal | int) -> Resource:
    resource = _observation(person, visit, id_, "laboratory", concept(LOINC, analyte.loinc, analyte.text))
    low, high = (Decimal(bound) for bound in analyte.normal)
    resource["valueQuantity"] = quantity(value, analyte.unit, analyte.ucum)
    resource["interpretation"] = [_interpretation(value, low, high)]
    resource["referenceRange"] = [
        {
            "low": quantity(low, analyte.unit, analyte.ucum),
            "high": quantity(high, analyte.unit, analyte.ucum),
            "text": f"{low} - {high} {analyte.unit}",
        }
    ]
    return resource


def _observation(person: Person, visit: Visit, id_: str, category: str, code: Resource) -> Resource:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "category": [_CATEGORIES[category]],
        "code": code,
        "subject": person.subject,
        "encounter": visit.reference,
        "effectiveDateTime": stamp(visit.start),
        "performer": [person.practitioner],
    }


def _interpretation(value: Decimal | int, low: Decimal | int, high: Decimal | int) -> Resource:
    return _INTERPRETATIONS["L" if value < low else "H" if value > high else "N"]


_CATEGORIES = {
    "vital-signs": concept(f"{TERMINOLOGY}/observation-category", "vital-signs", "Vital Signs"),
    "laboratory": concept(f"{TERMINOLOGY}/observation-category", "laboratory", "Laboratory"),
}
_INTERPRETATIONS = {
    code: concept(f"{TERMINOLOGY}/v3-ObservationInterpretation", code, display)
    for code, display in (("L", "Low"), ("H", "High"), ("N", "Normal"))
}


def panels_for(person: Person, visit: Visit, draw: Draw) -> list[Panel]:
    """Return the panels that are taken at a visit: what the problem calls for, or one to be sure."""
    if visit.problem and visit.problem.panels:
        return [PANELS[key] for key in visit.problem.panels] if draw.chance(0.7) else []
    if visit.kind.key == "check-up" and person.age(visit.day) >= ADULT and draw.chance(0.35):
        return [PANELS[draw.one(("metabolic", "blood-count", "lipid", "liver"))]]
    return []

"""The workload `search`: a blend of queries whose values are drawn afresh from the corpus for every request.

Each answer's counts are held against counts that plain Python made of the corpus: 200 alone proves nothing.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmarks.connection import Answer, request_bytes
from benchmarks.corpus import START, Corpus, Resource, code_of
from benchmarks.crud import Request

if TYPE_CHECKING:
    from collections.abc import Callable

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
_TOTAL = re.compile(rb'"total":(\d+)')


@dataclass(frozen=True, slots=True)
class Expected:
    """What a search must bring: matches over all pages (`total`), of a page of `count`, and includes."""

    path: str
    query: list[tuple[str, str]]
    total: int
    count: int = 200
    includes: int = 0

    def request(self, label: str, host: str) -> Request:
        """Return the request. Where a page may not hold all, the total is asked for and checked."""
        accurate = self.count < 200
        query = [*self.query, ("_count", str(self.count))]
        if accurate:
            query.append(("_total", "accurate"))
        data = request_bytes("GET", f"/fhir/{self.path}?{urlencode(query)}", host)
        return Request(label, data, lambda answer: self._check(answer, accurate=accurate))

    def _check(self, answer: Answer, *, accurate: bool) -> str:
        if answer.status != 200:
            return f"{self.path} answered {answer.status}"
        body = answer.body
        found, included = body.count(b'"mode":"match"'), body.count(b'"mode":"include"')
        if found != min(self.total, self.count) or included != self.includes:
            return f"{self.path}?{self.query}: {found} matches, {included} includes; not {self.total}, {self.includes}"
        total = _TOTAL.search(body)
        if accurate and (total is None or int(total[1]) != self.total):
            return f"{self.path}?{self.query}: total {total and total[1]!r}, not {self.total}"
        return ""


class Search:
    """One connection's stream of searches; the first `ahead` are drawn beforehand, off the clock."""

    def __init__(self, corpus: Corpus, number: int, host: str, ahead: int, draw: object) -> None:
        self._random, self._corpus, self._host = random.Random(f"search/{number}/{draw}"), corpus, host
        self._blend = [draw for draw, weight in BLEND for _ in range(weight)]
        self._ready = [self._draw() for _ in range(ahead)]

    def next(self) -> Request:
        """Return the next request."""
        return self._ready.pop() if self._ready else self._draw()

    def _draw(self) -> Request:
        draw = self._random.choice(self._blend)
        return draw(self._corpus, self._random).request(draw.__name__, self._host)


def _someone(corpus: Corpus, r: random.Random) -> Resource:
    return r.choice(corpus.by_type["Patient"])


def _of(corpus: Corpus, resource_type: str, patient: Resource) -> list[Resource]:
    return corpus.by_patient[resource_type, f"Patient/{patient['id']}"]


def _token(system: str, code: str) -> str:
    return f"{system}|{code}"


# Simple: one type, one or two parameters.


def patient_by_identifier(corpus: Corpus, r: random.Random) -> Expected:
    """Token with system."""
    identifier = _someone(corpus, r)["identifier"][0]
    return Expected("Patient", [("identifier", _token(identifier["system"], identifier["value"]))], 1)


def patient_by_name(corpus: Corpus, r: random.Random) -> Expected:
    """String, the beginning of any part of a name."""
    family = min(r.choice(corpus.families))
    start = family[: r.randint(3, 5)].strip()
    total = sum(any(part.startswith(start) for part in parts) for parts in corpus.names)
    return Expected("Patient", [("name", start)], total, 20)


def patient_by_birthdate(corpus: Corpus, r: random.Random) -> Expected:
    """Date, two bounds."""
    low = START - timedelta(days=r.randint(1, 30000))
    high = low + timedelta(days=r.randint(20, 400))
    total = sum(str(low) <= p["birthDate"] < str(high) for p in corpus.by_type["Patient"])
    return Expected("Patient", [("birthdate", f"ge{low}"), ("birthdate", f"lt{high}")], total, 20)


def observations_of_patient(corpus: Corpus, r: random.Random) -> Expected:
    """Reference and token."""
    patient, code = _someone(corpus, r), r.choice(("8867-4", "8310-5", "85354-9", "2345-7"))
    total = sum(code_of(o) == code for o in _of(corpus, "Observation", patient))
    return Expected("Observation", [("patient", patient["id"]), ("code", _token(LOINC, code))], total)


def conditions_of_patient(corpus: Corpus, r: random.Random) -> Expected:
    """Reference and token without a system."""
    patient = _someone(corpus, r)
    total = sum(c["clinicalStatus"]["coding"][0]["code"] == "active" for c in _of(corpus, "Condition", patient))
    return Expected("Condition", [("patient", f"Patient/{patient['id']}"), ("clinical-status", "active")], total)


def prescriptions_of_patient(corpus: Corpus, r: random.Random) -> Expected:
    """Reference and code."""
    patient = _someone(corpus, r)
    total = sum(m["status"] == "active" for m in _of(corpus, "MedicationRequest", patient))
    return Expected("MedicationRequest", [("patient", patient["id"]), ("status", "active")], total)


def encounters_of_a_week(corpus: Corpus, r: random.Random) -> Expected:
    """Date on a period, any patient."""
    low = START - timedelta(days=r.randint(10, 1000))
    high = low + timedelta(days=7)
    total = sum(_instant(low) <= ends and begins < _instant(high) for begins, ends in _periods(corpus))
    return Expected("Encounter", [("date", f"ge{low}"), ("date", f"lt{high}")], total, 20)


# Complex: composites, quantities, chains, includes.


def observations_by_code_and_value(corpus: Corpus, r: random.Random) -> Expected:
    """Composite of token and quantity."""
    code, value = r.choice((("4548-4", "7.55"), ("2345-7", "126.5"), ("2160-0", "1.255"), ("718-7", "12.05")))
    total = sum(_value(o) > Decimal(value) for o in corpus.by_code[code])
    return Expected("Observation", [("code-value-quantity", f"{_token(LOINC, code)}$gt{value}")], total, 20)


def high_blood_pressures(corpus: Corpus, r: random.Random) -> Expected:
    """Composite over components."""
    value = r.randint(120, 150)
    total = sum(o["component"][0]["valueQuantity"]["value"] > value for o in corpus.by_code["85354-9"])
    query = [("component-code-value-quantity", f"{_token(LOINC, '8480-6')}$gt{value}.5")]
    return Expected("Observation", query, total, 20)


def fast_pulses_lately(corpus: Corpus, r: random.Random) -> Expected:
    """Token, quantity and date together."""
    value, since = r.randint(78, 95), START - timedelta(days=r.randint(30, 700))
    total = sum(pulse > value and at >= _instant(since) for pulse, at in _pulses(corpus))
    query = [
        ("code", _token(LOINC, "8867-4")),
        ("value-quantity", f"gt{value}.5|http://unitsofmeasure.org|/min"),
        ("date", f"ge{since}"),
    ]
    return Expected("Observation", query, total, 20)


def laboratory_by_patient_identifier(corpus: Corpus, r: random.Random) -> Expected:
    """Chain."""
    patient = _someone(corpus, r)
    identifier = patient["identifier"][0]
    total = sum(o["category"][0]["coding"][0]["code"] == "laboratory" for o in _of(corpus, "Observation", patient))
    value = _token(identifier["system"], identifier["value"])
    return Expected("Observation", [("patient.identifier", value), ("category", "laboratory")], total)


def women_with_condition(corpus: Corpus, r: random.Random) -> Expected:
    """Reverse chain and code."""
    code, gender = r.choice(("44054006", "38341003", "195967001")), r.choice(("female", "male"))
    having = _having(corpus, code)
    total = sum(p["gender"] == gender and f"Patient/{p['id']}" in having for p in corpus.by_type["Patient"])
    return Expected("Patient", [("_has:Condition:patient:code", _token(SNOMED, code)), ("gender", gender)], total, 20)


def reports_with_results(corpus: Corpus, r: random.Random) -> Expected:
    """Include."""
    reports = _of(corpus, "DiagnosticReport", patient := _someone(corpus, r))
    results = {reference["reference"] for report in reports for reference in report["result"]}
    query = [("patient", patient["id"]), ("_include", "DiagnosticReport:result")]
    return Expected("DiagnosticReport", query, len(reports), includes=len(results))


def patient_with_conditions(corpus: Corpus, r: random.Random) -> Expected:
    """Reverse include."""
    patient = _someone(corpus, r)
    query = [("_id", patient["id"]), ("_revinclude", "Condition:patient")]
    return Expected("Patient", query, 1, includes=len(_of(corpus, "Condition", patient)))


# Like operations: what $everything, $lastn, $find and $match ask.


def everything_observed(corpus: Corpus, r: random.Random) -> Expected:
    """Compartment."""
    patient = _someone(corpus, r)
    return Expected(f"Patient/{patient['id']}/Observation", [], len(_of(corpus, "Observation", patient)))


def latest_vital_signs(corpus: Corpus, r: random.Random) -> Expected:
    """Several codes, newest first."""
    patient, codes = _someone(corpus, r), ("8867-4", "8310-5", "85354-9")
    total = sum(code_of(o) in codes for o in _of(corpus, "Observation", patient))
    query = [("patient", patient["id"]), ("code", ",".join(_token(LOINC, c) for c in codes)), ("_sort", "-date")]
    return Expected("Observation", query, total, 10)


def next_free_slots(corpus: Corpus, r: random.Random) -> Expected:
    """Chain, status, date and sort."""
    schedule = r.choice(corpus.by_type["Schedule"])
    practitioner = schedule["actor"][0]["reference"]
    since = START + timedelta(days=r.randint(1, 4))
    own = (s for s in corpus.by_type["Slot"] if s["schedule"]["reference"] == f"Schedule/{schedule['id']}")
    total = sum(s["status"] == "free" and datetime.fromisoformat(s["start"]) >= _instant(since) for s in own)
    query = [("schedule.actor", practitioner), ("status", "free"), ("start", f"ge{since}"), ("_sort", "start")]
    return Expected("Slot", query, total, 5)


def same_person(corpus: Corpus, r: random.Random) -> Expected:
    """Family name and birth date, as matching asks."""
    position = r.randrange(len(corpus.by_type["Patient"]))
    family, born = min(corpus.families[position]), corpus.by_type["Patient"][position]["birthDate"]
    total = sum(
        p["birthDate"] == born and any(f.startswith(family) for f in families)
        for p, families in zip(corpus.by_type["Patient"], corpus.families, strict=True)
    )
    return Expected("Patient", [("family", family), ("birthdate", born)], total)


BLEND: tuple[tuple[Callable[[Corpus, random.Random], Expected], int], ...] = (
    (patient_by_identifier, 12),
    (patient_by_name, 8),
    (patient_by_birthdate, 5),
    (observations_of_patient, 15),
    (conditions_of_patient, 8),
    (prescriptions_of_patient, 7),
    (encounters_of_a_week, 5),
    (observations_by_code_and_value, 5),
    (high_blood_pressures, 3),
    (fast_pulses_lately, 3),
    (laboratory_by_patient_identifier, 5),
    (women_with_condition, 4),
    (reports_with_results, 5),
    (patient_with_conditions, 3),
    (everything_observed, 4),
    (latest_vital_signs, 4),
    (next_free_slots, 2),
    (same_person, 2),
)


def _value(observation: Resource) -> Decimal:
    return Decimal(observation["valueQuantity"]["value"])


def _instant(day: object) -> datetime:
    return datetime.fromisoformat(str(day)).replace(tzinfo=UTC)


@lru_cache(maxsize=1)
def _periods(corpus: Corpus) -> list[tuple[datetime, datetime]]:
    return [
        (datetime.fromisoformat(e["period"]["start"]), datetime.fromisoformat(e["period"]["end"]))
        for e in corpus.by_type["Encounter"]
    ]


@lru_cache(maxsize=1)
def _pulses(corpus: Corpus) -> list[tuple[int, datetime]]:
    return [
        (o["valueQuantity"]["value"], datetime.fromisoformat(o["effectiveDateTime"])) for o in corpus.by_code["8867-4"]
    ]


@lru_cache
def _having(corpus: Corpus, code: str) -> set[str]:
    return {c["subject"]["reference"] for c in corpus.by_type["Condition"] if code_of(c) == code}

"""Random clinics and random searches over them, by a seed; values are drawn so that many searches find something."""

# ruff: noqa: RUF001 - odd characters are what it is about

from __future__ import annotations

from random import Random
from typing import Any

from tests.search.naive.evaluator import instants

FAMILIES = ["Evening", "evening", "Éveil", "O'Brien", "o’brien", "Müller", "Mueller", "van der Berg", "van  der Bergh",
            "李", "Ångström", "Ev", "E", "100%", "a_b", "Straße", "x,y", "p|q", "Ö"]  # fmt: skip
GIVENS = ["Ana", "ANA", "Anabel", "Jo", "Zoë", "Zoe", "Jean-Luc", "Jean Luc", "Ñandú"]
CITIES = ["São Paulo", "sao paulo", "Paris", "Łódź", "New  York"]
SYSTEMS = ["http://a.example/ids", "http://b.example/ids", "http://loinc.org"]
CODES = ["A", "a", "B", "8867-4", "x|y", "A,B"]
UNITS = [
    ("mmol/L", "http://unitsofmeasure.org", "mmol/L"),
    ("mg", "http://unitsofmeasure.org", "mg"),
    ("mg", None, None),
    (None, None, None),
]
NUMBERS = ["5", "5.0", "5.4", "5.40", "5.5", "-1", "0", "0.05", "120", "119.5", "4.95", "1000000"]
DATES = ["2020", "2020-02", "2020-02-29", "2020-03-01", "2019-12-31", "2021", "1980-05-05", "2020-02-29T23:59:59Z",
         "2020-02-29T23:30:00-05:00", "2020-03-01T00:00:00.000Z", "2020-03-01T05:29:30+05:30", "2026-01-01"]  # fmt: skip
URLS = [
    "http://a.example/ValueSet/one",
    "http://a.example/ValueSet/one/two",
    "http://a.example/ValueSet/oneand",
    "http://a.example",
    "urn:oid:1.2.3",
]
STATUSES = ["final", "preliminary", "amended"]


class Generator:
    """Draws from one seeded source."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.one = self.random.choice

    def maybe(self, value: Any, chance: float = 0.7) -> Any:
        return value if self.random.random() < chance else None

    def some(self, make: Any, most: int = 2) -> list[Any]:
        return [make() for _ in range(self.random.randint(0, most))]

    # corpus
    def corpus(self, size: int) -> list[dict[str, Any]]:
        people = [self._person("Patient", f"p{n}") for n in range(size)] + [
            self._person("Practitioner", f"d{n}") for n in range(3)
        ]
        rest = [self._observation(f"o{n}", size) for n in range(2 * size)]
        rest += [self._encounter(f"e{n}", size) for n in range(size)]
        rest += [self._risk(f"r{n}", size) for n in range(size)]
        rest += [
            _clean(
                {
                    "resourceType": "ValueSet",
                    "id": f"v{n}",
                    "status": "draft",
                    "url": self.maybe(self.one(URLS)),
                    "name": self.maybe(self.one(FAMILIES)),
                }
            )
            for n in range(8)
        ]
        return people + rest

    def _person(self, resource_type: str, id_: str) -> dict[str, Any]:
        person = {
            "resourceType": resource_type, "id": id_,
            "name": self.some(lambda: _clean({"family": self.maybe(self.one(FAMILIES)), "given": self.some(lambda: self.one(GIVENS))})),
            "identifier": self.some(lambda: _clean({"system": self.maybe(self.one(SYSTEMS)), "value": self.one(CODES)})),
        }  # fmt: skip
        if resource_type == "Patient":
            person |= {
                "gender": self.maybe(self.one(["male", "female", "other"])), "active": self.maybe(self.one([True, False])),
                "birthDate": self.maybe(self.one(DATES[:7])), "address": self.some(lambda: {"city": self.one(CITIES)}),
                "generalPractitioner": self.some(lambda: self._reference("Practitioner", 4, "d")),
                "meta": self.maybe({"tag": [self._coding()]}, 0.3),
            }  # fmt: skip
        return _clean(person)

    def _observation(self, id_: str, size: int) -> dict[str, Any]:
        effective = self.one(["effectiveDateTime", "effectivePeriod", None])
        value = self.one(["valueQuantity", "valueString", "valueCodeableConcept", None])
        made = {
            "resourceType": "Observation", "id": id_, "status": self.one(STATUSES), "code": self._concept(),
            "category": self.some(self._concept), "subject": self.maybe(self._reference("Patient", size + 1, "p")),
            "performer": self.some(lambda: self._reference(*self.one([("Patient", size, "p"), ("Practitioner", 3, "d")]))),
            "component": self.some(lambda: _clean({"code": self._concept(), "valueQuantity": self.maybe(self._quantity())})),
        }  # fmt: skip
        if effective:
            made[effective] = self._period() if effective.endswith("Period") else self.one(DATES)
        if value:
            made[value] = {
                "valueQuantity": self._quantity,
                "valueString": lambda: self.one(FAMILIES),
                "valueCodeableConcept": self._concept,
            }[value]()
        return _clean(made)

    def _encounter(self, id_: str, size: int) -> dict[str, Any]:
        return _clean(
            {"resourceType": "Encounter", "id": id_, "status": self.one(["finished", "planned"]), "class": self._coding(),
             "period": self.maybe(self._period()), "subject": self.maybe(self._reference("Patient", size, "p"))}
        )  # fmt: skip

    def _risk(self, id_: str, size: int) -> dict[str, Any]:
        def predict() -> dict[str, Any]:
            probability = self.maybe(self.one([0.25, 0.3, 0.255, 0.05, 1, 0]))
            risk = self.maybe(self._concept())
            return _clean({"probabilityDecimal": probability, "qualitativeRisk": risk}) or {"rationale": "x"}

        return _clean(
            {
                "resourceType": "RiskAssessment",
                "id": id_,
                "status": "final",
                "subject": self._reference("Patient", size, "p"),
                "prediction": self.some(predict),
            }
        )

    def _coding(self) -> dict[str, Any]:
        return _clean(
            {
                "system": self.maybe(self.one(SYSTEMS)),
                "code": self.one(CODES),
                "display": self.maybe(self.one(FAMILIES), 0.3),
            }
        )

    def _concept(self) -> dict[str, Any]:
        return _clean(
            {
                "coding": [self._coding() for _ in range(self.random.randint(0, 2))],
                "text": self.maybe(self.one(CITIES), 0.3),
            }
        ) or {"text": "none"}

    def _quantity(self) -> dict[str, Any]:
        unit, system, code = self.one(UNITS)
        number = self.one(NUMBERS)
        return _clean(
            {
                "value": float(number) if "." in number else int(number),
                "comparator": self.maybe(self.one(["<", ">", "<=", ">="]), 0.15),
                "unit": unit,
                "system": system,
                "code": code,
            }
        )

    def _period(self) -> dict[str, Any]:
        start, end = sorted((self.one(DATES), self.one(DATES)), key=lambda text: instants(text)[0])
        return _clean({"start": self.maybe(start, 0.8), "end": self.maybe(end, 0.8)}) or {"start": start}

    def _reference(self, resource_type: str, size: int, letter: str) -> dict[str, Any]:
        plain = f"{resource_type}/{letter}{self.random.randrange(size)}"
        return {
            "reference": self.one(
                [
                    plain,
                    plain,
                    plain,
                    f"http://test/fhir/{plain}",
                    f"http://other.example/{plain}",
                    f"{plain}/_history/1",
                ]
            )
        }

    # searches
    def search(self, size: int) -> tuple[str, list[tuple[str, str]]]:
        """Return a resource type and one to three criteria on it."""
        resource_type = self.one(
            [
                "Patient",
                "Patient",
                "Observation",
                "Observation",
                "Encounter",
                "RiskAssessment",
                "ValueSet",
                "Practitioner",
            ]
        )
        return resource_type, [self.criterion(resource_type, size) for _ in range(self.one([1, 1, 1, 2, 2, 3]))]

    def criterion(self, resource_type: str, size: int, depth: int = 0) -> tuple[str, str]:
        if depth < 3 and self.random.random() < 0.25:
            steps = STEPS.get(resource_type, [])
            if steps:
                step, target = self.one(steps)
                name, value = self.criterion(target, size, depth + 1)
                return step + name, value
        code, kind = self.one(SEARCHED[resource_type])
        name, make = getattr(self, f"_{kind}_criterion")(code, size)
        if name.endswith(":missing"):
            return name, self.one(["true", "false"])
        return name, ",".join(make() for _ in range(self.one([1, 1, 1, 1, 2, 3])))

    def _modified(self, code: str, modifiers: list[str]) -> str:
        modifier = self.one(["", "", *modifiers])
        return f"{code}:{modifier}" if modifier else code

    def _string_criterion(self, code: str, _size: int) -> tuple[str, Any]:
        return self._modified(code, ["exact", "contains", "missing"]), lambda: _escaped(
            self._part_of(self.one(FAMILIES + GIVENS + CITIES))
        )

    def _part_of(self, text: str) -> str:
        changed = self.one([str, str, str.upper, str.lower])(text)
        if self.random.random() < 0.5:
            start = self.one([0, 0, 0, 1])
            changed = changed[start : start + self.random.randint(1, 5)]
        return changed if changed.strip() else text

    def _token_criterion(self, code: str, _size: int) -> tuple[str, Any]:
        values = {
            "gender": ["male", "female", "other"],
            "active": ["true", "false"],
            "status": [*STATUSES, "finished", "planned"],
        }
        plain = code in values
        modifiers = (
            ["not", "missing"] if plain or code in {"identifier", "_tag", "class"} else ["not", "missing", "text"]
        )
        name = self._modified(code, modifiers)
        if name.endswith(":text"):
            return name, lambda: _escaped(self._part_of(self.one(FAMILIES + CITIES)))

        def make() -> str:
            if plain:
                return self.one(["", "", "|"]) + self.one(values[code])
            return self._token_value()

        return name, make

    def _id_criterion(self, code: str, size: int) -> tuple[str, Any]:
        return self._modified(code, ["not"]), lambda: f"{self.one('poerd')}{self.random.randrange(size)}"

    def _reference_criterion(self, code: str, size: int) -> tuple[str, Any]:
        name = self._modified(code, ["missing", "Patient"] if code != "general-practitioner" else ["missing"])
        letter = "d" if code == "general-practitioner" else "p"
        target = "Practitioner" if letter == "d" else "Patient"

        def make() -> str:
            id_ = f"{letter}{self.random.randrange(size if letter == 'p' else 4)}"
            forms = [id_, f"{target}/{id_}", f"http://test/fhir/{target}/{id_}", f"{target}/{id_}/_history/1"]
            return self.one([*forms, f"http://other.example/{target}/{id_}"]) if ":" not in name else self.one(forms)

        return name, make

    def _date_criterion(self, code: str, _size: int) -> tuple[str, Any]:
        return self._modified(
            code, ["missing"] if self.random.random() < 0.3 else [""]
        ), lambda: self._prefix() + self.one(DATES)

    def _number_criterion(self, code: str, _size: int) -> tuple[str, Any]:
        return code, lambda: self._prefix() + self.one(["0.25", "0.3", "0.255", "0.05", "0.250", "1", "0", "0.1"])

    def _quantity_criterion(self, code: str, _size: int) -> tuple[str, Any]:
        return code, self._quantity_value

    def _quantity_value(self) -> str:
        unit, system, unit_code = self.one(UNITS[:3])
        return (
            self._prefix()
            + self.one(NUMBERS)
            + self.one(["", "", f"||{unit}", f"|{system}|{unit_code}" if system else ""])
        )

    def _composite_criterion(self, code: str, _size: int) -> tuple[str, Any]:
        def make() -> str:
            token = self._token_value()
            return f"{token}${self._token_value() if code.endswith('concept') else self._quantity_value()}"

        return self._modified(code, ["missing"] if self.random.random() < 0.2 else [""]), make

    def _token_value(self) -> str:
        value, system = _escaped(self.one(CODES)), self.one(SYSTEMS)
        return self.one([value, f"{system}|{value}", f"|{value}", f"{system}|"])

    def _uri_criterion(self, code: str, _size: int) -> tuple[str, Any]:
        return self._modified(code, ["below", "above", "missing"]), lambda: self.one(URLS)

    def _prefix(self) -> str:
        return self.one(["", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"])


SEARCHED = {
    "Patient": [("family", "string"), ("given", "string"), ("address-city", "string"), ("gender", "token"), ("active", "token"), ("identifier", "token"), ("birthdate", "date"), ("general-practitioner", "reference"), ("_tag", "token"), ("_id", "id")],
    "Practitioner": [("family", "string"), ("identifier", "token"), ("_id", "id")],
    "Observation": [("status", "token"), ("code", "token"), ("category", "token"), ("subject", "reference"), ("performer", "reference"), ("date", "date"), ("value-quantity", "quantity"), ("component-value-quantity", "quantity"), ("value-string", "string"), ("component-code", "token"), ("combo-code", "token"), ("combo-value-quantity", "quantity"), ("code-value-concept", "composite"), ("combo-code-value-quantity", "composite"), ("code-value-quantity", "composite"), ("component-code-value-quantity", "composite")],
    "Encounter": [("status", "token"), ("class", "token"), ("date", "date"), ("subject", "reference")],
    "RiskAssessment": [("probability", "number"), ("risk", "token"), ("subject", "reference")],
    "ValueSet": [("url", "uri"), ("name", "string")],
}  # fmt: skip
STEPS = {
    "Observation": [("subject:Patient.", "Patient"), ("performer:Practitioner.", "Practitioner"), ("performer:Patient.", "Patient")],
    "Encounter": [("subject:Patient.", "Patient")],
    "RiskAssessment": [("subject:Patient.", "Patient")],
    "Patient": [("general-practitioner:Practitioner.", "Practitioner"), ("_has:Observation:subject:", "Observation"), ("_has:Observation:performer:", "Observation"), ("_has:Encounter:subject:", "Encounter"), ("_has:RiskAssessment:subject:", "RiskAssessment")],
    "Practitioner": [("_has:Patient:general-practitioner:", "Patient"), ("_has:Observation:performer:", "Observation")],
}  # fmt: skip


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")


def _clean(content: dict[str, Any]) -> dict[str, Any]:
    """Leave out what FHIR's JSON has no form for: null, empty arrays and objects."""
    return {key: value for key, value in content.items() if value not in (None, [], {})}

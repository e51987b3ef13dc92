"""A second opinion on search: looks at every resource, one by one, with nothing of the server's own search.

Written from https://hl7.org/fhir/R4/search.html alone. It knows the few parameters in `PARAMETERS`, whose
paths into the JSON are spelled out, and favours plainness over speed everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

BASE = "http://test/fhir"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FAR_PAST, FAR_FUTURE = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

PARAMETERS: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("Patient", "family"): ("string", ["name.family"]),
    ("Patient", "given"): ("string", ["name.given"]),
    ("Patient", "address-city"): ("string", ["address.city"]),
    ("Patient", "gender"): ("token", ["gender"]),
    ("Patient", "active"): ("token", ["active"]),
    ("Patient", "identifier"): ("token", ["identifier"]),
    ("Patient", "birthdate"): ("date", ["birthDate"]),
    ("Patient", "general-practitioner"): ("reference", ["generalPractitioner"]),
    ("Patient", "_tag"): ("token", ["meta.tag"]),
    ("Practitioner", "family"): ("string", ["name.family"]),
    ("Practitioner", "identifier"): ("token", ["identifier"]),
    ("Observation", "status"): ("token", ["status"]),
    ("Observation", "code"): ("token", ["code"]),
    ("Observation", "component-code"): ("token", ["component.code"]),
    ("Observation", "combo-code"): ("token", ["code", "component.code"]),
    ("Observation", "combo-value-quantity"): ("quantity", ["valueQuantity", "component.valueQuantity"]),
    ("Observation", "category"): ("token", ["category"]),
    ("Observation", "subject"): ("reference", ["subject"]),
    ("Observation", "performer"): ("reference", ["performer"]),
    ("Observation", "date"): ("date", ["effectiveDateTime", "effectivePeriod", "effectiveInstant"]),
    ("Observation", "value-quantity"): ("quantity", ["valueQuantity"]),
    ("Observation", "component-value-quantity"): ("quantity", ["component.valueQuantity"]),
    ("Observation", "value-string"): ("string", ["valueString", "valueCodeableConcept.text"]),
    ("Encounter", "status"): ("token", ["status"]),
    ("Encounter", "class"): ("token", ["class"]),
    ("Encounter", "date"): ("date", ["period"]),
    ("Encounter", "subject"): ("reference", ["subject"]),
    ("RiskAssessment", "probability"): ("number", ["prediction.probabilityDecimal"]),
    ("RiskAssessment", "subject"): ("reference", ["subject"]),
    ("RiskAssessment", "risk"): ("token", ["prediction.qualitativeRisk"]),
    ("ValueSet", "url"): ("uri", ["url"]),
    ("ValueSet", "name"): ("string", ["name"]),
}
COMPOSITES: dict[tuple[str, str], tuple[str, tuple[tuple[str, str], ...]]] = {
    ("Observation", "code-value-quantity"): ("", (("token", "code"), ("quantity", "valueQuantity"))),
    ("Observation", "code-value-concept"): ("", (("token", "code"), ("token", "valueCodeableConcept"))),
    ("Observation", "component-code-value-quantity"): (
        "component",
        (("token", "code"), ("quantity", "valueQuantity")),
    ),
}
COMBINED = {
    ("Observation", "combo-code-value-quantity"): ["code-value-quantity", "component-code-value-quantity"],
}
"""Composites that hold where one of these holds."""


def walk(value: Any, path: str) -> list[Any]:
    """Return all that lies at the dotted path, lists flattened."""
    found = value if isinstance(value, list) else [value]
    for name in path.split(".") if path else ():
        stepped: list[Any] = []
        for one in found:
            if isinstance(one, dict) and name in one:
                stepped += one[name] if isinstance(one[name], list) else [one[name]]
        found = stepped
    return found


class Evaluator:
    """Answers criteria over a list of resources."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self.resources = resources

    def of_type(self, resource_type: str) -> list[dict[str, Any]]:
        return [r for r in self.resources if r["resourceType"] == resource_type]

    def search(self, resource_type: str, criteria: list[tuple[str, str]]) -> set[str]:
        """Return the ids of what matches every `(name, value)`."""
        return {r["id"] for r in self.of_type(resource_type) if all(self.holds(r, n, v) for n, v in criteria)}

    def holds(self, resource: dict[str, Any], name: str, value: str) -> bool:
        if name.startswith("_has:"):
            _, source, reference, rest = name.split(":", 3)
            return any(
                self.points(other, reference, resource) and self.holds(other, rest, value)
                for other in self.of_type(source)
            )
        head, dot, rest = name.partition(".")
        if dot:
            code, _, target = head.partition(":")
            return any(
                self.points(resource, code, other) and self.holds(other, rest, value) for other in self.of_type(target)
            )
        code, _, modifier = head.partition(":")
        return self.compare(resource, code, modifier, split(value, ","))

    def points(self, source: dict[str, Any], code: str, target: dict[str, Any]) -> bool:
        return f"{target['resourceType']}/{target['id']}" in self.references(source, code)

    def references(self, resource: dict[str, Any], code: str) -> list[str]:
        _, paths = PARAMETERS[resource["resourceType"], code]
        texts = [ref["reference"] for path in paths for ref in walk(resource, path) if "reference" in ref]
        plain = [text.removeprefix(f"{BASE}/") for text in texts]
        return [*plain, *(text.partition("/_history/")[0] for text in plain)]

    def compare(self, resource: dict[str, Any], code: str, modifier: str, values: list[str]) -> bool:
        resource_type = resource["resourceType"]
        if code == "_id":
            return (resource["id"] in values) != (modifier == "not")
        if (resource_type, code) in COMBINED:
            found = [self.compare(resource, one, modifier, values) for one in COMBINED[resource_type, code]]
            return all(found) if (modifier, values) == ("missing", ["true"]) else any(found)
        if (resource_type, code) in COMPOSITES:
            if modifier == "missing":
                return self.has_composite(resource, code) == (values[0] == "false")
            return any(self.composite(resource, code, value) for value in values)
        kind, paths = PARAMETERS[resource_type, code]
        found = [one for path in paths for one in walk(resource, path)]
        if modifier == "missing":
            return (not found) == (values[0] == "true")
        if modifier == "not":
            return not any(compare_token(one, value) for one in found for value in values)
        if kind == "reference":
            return any(self.reference(resource, code, modifier, value) for value in values)
        return any(matches(kind, modifier, one, value) for one in found for value in values)

    def reference(self, resource: dict[str, Any], code: str, modifier: str, value: str) -> bool:
        texts = self.references(resource, code)
        value = value.removeprefix(f"{BASE}/")
        if "/" in value or ":" in value:
            return value in texts
        return any(text.partition("/")[2] == value and modifier in {"", text.partition("/")[0]} for text in texts)

    def has_composite(self, resource: dict[str, Any], code: str) -> bool:
        root, parts = COMPOSITES[resource["resourceType"], code]
        return any(
            all(
                any(codings(one) if kind == "token" else "value" in one for one in walk(element, path))
                for kind, path in parts
            )
            for element in walk(resource, root)
        )

    def composite(self, resource: dict[str, Any], code: str, value: str) -> bool:
        root, parts = COMPOSITES[resource["resourceType"], code]
        given = split(value, "$")
        return any(
            all(
                any(matches(kind, "", one, part) for one in walk(element, path))
                for (kind, path), part in zip(parts, given, strict=True)
            )
            for element in walk(resource, root)
        )


def matches(kind: str, modifier: str, target: Any, value: str) -> bool:
    match kind:
        case "string":
            return compare_string(modifier, target, unescape(value))
        case "token":
            return compare_token_text(target, unescape(value)) if modifier == "text" else compare_token(target, value)
        case "uri":
            return compare_uri(modifier, target, unescape(value))
        case "date":
            return compare_date(target, value)
        case "number":
            return compare_number(number_range(target), value)
        case "quantity":
            return compare_quantity(target, value)
    raise AssertionError(kind)


def split(text: str, separator: str) -> list[str]:
    """Split where the separator is not escaped."""
    return re.split(r"(?<!\\)" + re.escape(separator), text)


def unescape(text: str) -> str:
    return re.sub(r"\\([\\,|$])", r"\1", text)


# A stroke through a letter is taken for a mark, though Unicode does not take it apart.
def without_stroke(character: str) -> str:
    found = re.fullmatch(r"LATIN (SMALL|CAPITAL) LETTER ([A-Z]) WITH STROKE", unicodedata.name(character, ""))
    return found[2].lower() if found else character


# string: case, accents and other diacritical marks, and extra white space aside, "starts with"
def fold(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    plain = "".join(without_stroke(c) for c in unicodedata.normalize("NFKD", bare.casefold()))
    return " ".join(plain.split())


def compare_string(modifier: str, target: str, value: str) -> bool:
    if modifier == "exact":
        return target == value
    if modifier == "contains":
        return fold(value) in fold(target)
    return fold(target).startswith(fold(value))


def codings(target: Any) -> list[tuple[str | None, str | None]]:
    if isinstance(target, bool):
        return [(None, "true" if target else "false")]
    if isinstance(target, str):
        return [(None, target)]
    if "coding" in target:
        return [(c.get("system"), c.get("code")) for c in target["coding"]]
    if "value" in target:
        return [(target.get("system"), target["value"])]
    return [(target.get("system"), target["code"])] if "code" in target else []


def compare_token(target: Any, value: str) -> bool:
    *given, code = [unescape(part) for part in split(value, "|")]
    for has_system, has_code in codings(target):
        if not given and has_code == code:
            return True
        if given and (has_system or "") == given[0] and code in {"", has_code}:
            return True
    return False


def compare_token_text(target: Any, value: str) -> bool:
    if not isinstance(target, dict):
        return False
    texts = [target.get("text"), target.get("display"), *(c.get("display") for c in target.get("coding", ()))]
    return any(fold(text).startswith(fold(value)) for text in texts if text)


def compare_uri(modifier: str, target: str, value: str) -> bool:
    if modifier == "below":
        return target == value or target.startswith(value.rstrip("/") + "/")
    if modifier == "above":
        return target == value or value.startswith(target.rstrip("/") + "/")
    return target == value


PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def prefixed(value: str) -> tuple[str, str]:
    return (value[:2], value[2:]) if value[:2] in PREFIXES else ("eq", value)


# date: "[the] range of the search value fully contains the range of the target value", and so on
def instants(text: str) -> tuple[datetime, datetime]:
    """Return the first instant of the date or time, and the first after it."""
    if re.fullmatch(r"\d{4}", text):
        year = int(text)
        return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    if re.fullmatch(r"\d{4}-\d\d", text):
        year, month = int(text[:4]), int(text[5:])
        following = (year + 1, 1) if month == 12 else (year, month + 1)
        return datetime(year, month, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return day, day + timedelta(days=1)
    moment = datetime.fromisoformat(text)
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if re.search(r"T\d\d:\d\d(?!:)", text):
        return moment, moment + timedelta(minutes=1)
    if "." in text:
        digits = len(re.search(r"\.(\d+)", text)[1])
        return moment, moment + timedelta(microseconds=10 ** (6 - digits))
    return moment, moment + timedelta(seconds=1)


def date_range(target: Any) -> tuple[datetime, datetime]:
    if isinstance(target, str):
        return instants(target)
    low = instants(target["start"])[0] if "start" in target else FAR_PAST
    return low, instants(target["end"])[1] if "end" in target else FAR_FUTURE


def compare_date(target: Any, value: str) -> bool:
    prefix, text = prefixed(value)
    low, high = instants(text)
    from_, to = date_range(target)
    contains = low <= from_ and to <= high
    if prefix == "ap":
        gap = max(low - NOW, NOW - high, timedelta(0)) / 10
        return from_ < high + gap and to > low - gap
    return {
        "eq": contains,
        "ne": not contains,
        "gt": to > high,
        "lt": from_ < low,
        "ge": to > high or contains,
        "le": from_ < low or contains,
        "sa": from_ >= high,
        "eb": to <= low,
    }[prefix]


Number = Decimal | float
INFINITE = Decimal("Infinity")


def number_range(target: Any) -> tuple[Decimal, Decimal]:
    return Decimal(str(target)), Decimal(str(target))


def compare_number(target: tuple[Decimal, Decimal], value: str) -> bool:
    """eq and ne mind the precision written, ap takes 10 % (or that precision), the others the very number."""
    prefix, text = prefixed(value)
    number = Decimal(text)
    half = Decimal(5).scaleb(int(number.as_tuple().exponent) - 1)
    low, high = target
    equal = number - half <= low and high < number + half
    if prefix == "ap":
        reach = max(abs(number) / 10, half)
        return low <= number + reach and high >= number - reach
    same = low == number == high
    return {
        "eq": equal,
        "ne": not equal,
        "gt": high > number,
        "lt": low < number,
        "ge": high > number or same,
        "le": low < number or same,
        "sa": low > number,
        "eb": high < number,
    }[prefix]


def compare_quantity(target: dict[str, Any], value: str) -> bool:
    number, *unit = split(value, "|")
    if "value" not in target:
        return False
    low, high = number_range(target["value"])
    if target.get("comparator") in {"<", "<="}:
        low = -INFINITE
    if target.get("comparator") in {">", ">="}:
        high = INFINITE
    if not compare_number((low, high), number):
        return False
    if not unit or not unit[1]:
        return True
    system, code = unit
    if system:
        return target.get("system") == system and target.get("code") == code
    return code in {target.get("code"), target.get("unit")}

"""Primitive values: the right JSON type, the right format, from the bound value set.

https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from fhir_server.spec.primitives import CHECKS
from fhir_server.validator.report import json_kind, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.validator.report import ItemCheck, Place, Report

_NUMBERS = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
_FORMS = {
    "base64Binary": "base64 in groups of four characters",
    "boolean": "true or false",
    "code": "text without leading, trailing or doubled white space",
    "date": "a day that exists as YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "a time that exists as YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone",
    "decimal": "a number",
    "id": "1 to 64 letters, digits, '-' and '.'",
    "instant": "a time that exists as YYYY-MM-DDThh:mm:ss with a time zone",
    "integer": "a whole number of 32 bits",
    "oid": "urn:oid: and an OID",
    "positiveInt": "a whole number from 1 to 2147483647",
    "time": "hh:mm:ss",
    "unsignedInt": "a whole number from 0 to 2147483647",
    "uuid": "urn:uuid: and a UUID in lower case",
}
_URI = "text without white space, not empty"
_STRING = "text that is not empty, without control characters, of 1 MB at most"


def value_check(type_code: str, regex: str) -> Callable[[Any], bool]:
    """Return the check of a primitive type; for one that is not of R4 by the pattern of its definition."""
    found = CHECKS.get(type_code)
    if found is not None:
        return found
    pattern = re.compile(regex or r"(?s).+", re.ASCII)

    def matches(value: Any) -> bool:
        return type(value) is str and pattern.fullmatch(value) is not None

    return matches


def fault_of(type_code: str) -> ItemCheck:
    """Return what reports a value that its check refused."""
    kind = "a boolean" if type_code == "boolean" else "a number" if type_code in _NUMBERS else "a string"
    form = _FORMS.get(type_code) or (_URI if type_code in {"uri", "url", "canonical"} else _STRING)

    def report_fault(value: Any, place: Place, report: Report) -> None:
        found = json_kind(value)
        if value is None:
            report.add("structure", "null is not allowed here; leave the element out", place)
        elif found == "an array":
            report.add("structure", "an array where a single value is expected", place)
        elif found != kind:
            report.add("structure", f"{an(type_code)} is {kind} in JSON, here is {found}", place)
        else:
            report.add("value", f"this is not {an(type_code)}: {form}", place)

    return report_fault


def primitive_check(type_code: str, regex: str) -> tuple[Callable[[Any], bool], ItemCheck]:
    """Return whether a value is right, and what reports it where it is not."""
    return value_check(type_code, regex), fault_of(type_code)


def bound_check(
    type_code: str, regex: str, value_set: str, codes: frozenset[str]
) -> tuple[Callable[[Any], bool], ItemCheck]:
    """Return the same for a primitive that must be one of `codes`."""
    is_well_formed, report_form = primitive_check(type_code, regex)

    def is_right(value: Any) -> bool:
        return type(value) is str and value in codes

    def report_fault(value: Any, place: Place, report: Report) -> None:
        if not is_well_formed(value):
            report_form(value, place, report)
            return
        report.add("code-invalid", f"{shown(value)} is not in the value set {value_set}{hint(value, codes)}", place)

    return is_right, report_fault


def an(word: str) -> str:
    """Return the word with its article."""
    return f"{'an' if word[0] in 'aeioAEIO' else 'a'} {word}"


def hint(word: str, words: frozenset[str] | list[str]) -> str:
    """Return "; did you mean …?" where one of the words is close, else ""."""
    if len(word) > 64:  # noqa: PLR2004 - no element and no code is as long, and comparing costs the square
        return ""
    close = get_close_matches(word, sorted(words), 1, 0.6)
    return f"; did you mean {close[0]!r}?" if close else ""

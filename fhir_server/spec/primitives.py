"""Whether a JSON value is a right value of a primitive type.

The patterns are those of the definition pack, written so that no text makes them slow, together
with what patterns cannot say: days that exist, the ranges of integers, base64 that decodes.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_YEAR = r"([0-9]{4})(?<!0000)"
_MONTH = r"-(0[1-9]|1[0-2])"
_DAY = r"-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

_DATE = re.compile(rf"{_YEAR}({_MONTH}({_DAY})?)?").fullmatch
_DATE_TIME = re.compile(rf"{_YEAR}({_MONTH}({_DAY}(T{_TIME}{_ZONE})?)?)?").fullmatch
_INSTANT = re.compile(rf"{_YEAR}{_MONTH}{_DAY}T{_TIME}{_ZONE}").fullmatch
_TIME_OF_DAY = re.compile(_TIME).fullmatch
_STRING = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f]++").fullmatch
_CODE = re.compile(r"[^\s\x00-\x1f]++([\t\n\r ][^\s\x00-\x1f]++)*+", re.ASCII).fullmatch
_URI = re.compile(r"[^\s\x00-\x1f]++", re.ASCII).fullmatch
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}").fullmatch
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*+))++").fullmatch
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_BASE64 = re.compile(r"[A-Za-z0-9+/]*+={0,2}").fullmatch
_SPACE = str.maketrans("", "", " \t\r\n")

_LONGEST_STRING = 1024 * 1024
_GREATEST_INTEGER = 2**31 - 1
_GREATEST_DECIMAL = 10**100
_DATE_LENGTH = 10
_DAYS_EVERY_MONTH_HAS = "28"


def is_valid(type_code: str, value: Any) -> bool:
    """Whether `value`, as decoded from JSON, is one of the primitive type. KeyError for other types."""
    return CHECKS[type_code](value)


def _is_boolean(value: Any) -> bool:
    return value is True or value is False


def _is_decimal(value: Any) -> bool:
    return type(value) is Decimal or (type(value) is int and -_GREATEST_DECIMAL < value < _GREATEST_DECIMAL)


def _is_integer(value: Any) -> bool:
    return type(value) is int and -_GREATEST_INTEGER - 1 <= value <= _GREATEST_INTEGER


def _is_unsigned(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _GREATEST_INTEGER


def _is_positive(value: Any) -> bool:
    return type(value) is int and 1 <= value <= _GREATEST_INTEGER


# Nearly every text is printable, and asking that costs 0.09 us where the pattern costs 0.15.
def _is_string(value: Any) -> bool:
    if type(value) is not str or len(value) > _LONGEST_STRING:
        return False
    return (value.isprintable() and value != "") or _STRING(value) is not None


def _matches(pattern: Callable[[str], re.Match[str] | None]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return type(value) is str and pattern(value) is not None

    return check


def _is_word_or(pattern: Callable[[str], re.Match[str] | None]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        if type(value) is not str:
            return False
        return (value.isprintable() and value != "" and " " not in value) or pattern(value) is not None

    return check


def _matches_day(pattern: Callable[[str], re.Match[str] | None]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return type(value) is str and pattern(value) is not None and _is_day(value)

    return check


def _is_day(text: str) -> bool:
    if len(text) < _DATE_LENGTH or text[8:10] <= _DAYS_EVERY_MONTH_HAS:
        return True
    try:
        date(int(text[:4]), int(text[5:7]), int(text[8:10]))
    except ValueError:
        return False
    return True


def _is_base64(value: Any) -> bool:
    if type(value) is not str:
        return False
    packed = value if value.isalnum() else value.translate(_SPACE)
    return bool(packed) and len(packed) % 4 == 0 and _BASE64(packed) is not None


_is_uri = _is_word_or(_URI)

CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "base64Binary": _is_base64,
    "boolean": _is_boolean,
    "canonical": _is_uri,
    "code": _is_word_or(_CODE),
    "date": _matches_day(_DATE),
    "dateTime": _matches_day(_DATE_TIME),
    "decimal": _is_decimal,
    "id": _matches(_ID),
    "instant": _matches_day(_INSTANT),
    "integer": _is_integer,
    "markdown": _is_string,
    "oid": _matches(_OID),
    "positiveInt": _is_positive,
    "string": _is_string,
    "time": _matches(_TIME_OF_DAY),
    "unsignedInt": _is_unsigned,
    "uri": _is_uri,
    "url": _is_uri,
    "uuid": _matches(_UUID),
    "xhtml": _is_string,
}
"""A check for each primitive type of R4."""

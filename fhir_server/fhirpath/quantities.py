"""Quantities with calendar durations and UCUM units, and what makes two of them comparable.

http://hl7.org/fhirpath/N1/#quantity
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath.units import Unit, parse_unit

_CALENDAR_AS_UCUM = {"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}
"""Calendar words that mean the same as a UCUM code; a year and a month do not."""
_UCUM_AS_CALENDAR = {code: word for word, code in _CALENDAR_AS_UCUM.items()}
_LIKE_CALENDAR = {"a": "year", "mo": "month"}
CALENDAR_WORDS = frozenset(_CALENDAR_AS_UCUM) | {"year", "month"}
UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit: a UCUM code, or with `is_calendar` one of the words `year` … `millisecond`."""

    value: Decimal
    unit: str = "1"
    is_calendar: bool = False

    def __str__(self) -> str:
        if self.is_calendar:
            return f"{self.value} {self.unit}"
        return f"{self.value} '{self.unit}'"

    def json(self) -> dict[str, Any]:
        """As the FHIR data type."""
        if self.is_calendar:
            return {"value": self.value, "unit": self.unit}
        return {"value": self.value, "unit": self.unit, "system": UCUM, "code": self.unit}

    def calendar_unit(self) -> str:
        """The calendar word this duration may be added to a date with, "" if it may not."""
        if self.is_calendar:
            return self.unit
        singular = self.unit.removesuffix("s") if len(self.unit) > 2 else self.unit  # noqa: PLR2004 ('s', 'ms')
        if singular in CALENDAR_WORDS:
            return singular
        return _UCUM_AS_CALENDAR.get(self.unit, "") if self.unit in ("s", "ms", "min", "h", "d", "wk") else ""


def quantity_from_json(value: Any) -> Quantity | None:
    """The FHIR data type as a System quantity; None without a number or with a comparator."""
    if not isinstance(value, dict) or "comparator" in value:
        return None
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        return None
    unit = value.get("code") or value.get("unit") or "1"
    if value.get("system") == UCUM and unit in _LIKE_CALENDAR:
        return Quantity(Decimal(number), _LIKE_CALENDAR[unit], is_calendar=True)
    return Quantity(Decimal(number), str(unit))


def unit_of(quantity: Quantity) -> Unit | None:
    """Factor and dimensions; None for units we do not know."""
    if quantity.is_calendar:
        code = _CALENDAR_AS_UCUM.get(quantity.unit)
        return parse_unit(code) if code else None
    return parse_unit(quantity.unit)


def same_scale(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal] | None:
    """Both numbers in one unit, or None where the units cannot be compared."""
    if left.unit == right.unit and left.is_calendar == right.is_calendar:
        return left.value, right.value
    if {left.is_calendar and left.unit, right.is_calendar and right.unit} & {"year", "month"}:
        return _years_and_months(left, right)
    one, other = unit_of(left), unit_of(right)
    if one is None or other is None or one.dimensions != other.dimensions:
        return None
    return one.to_base(left.value), other.to_base(right.value)


def _years_and_months(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal] | None:
    if not (left.is_calendar and right.is_calendar):
        return None
    months = {"year": 12, "month": 1}
    if left.unit not in months or right.unit not in months:
        return None
    return left.value * months[left.unit], right.value * months[right.unit]

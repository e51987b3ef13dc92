"""What precision leaves open: lowBoundary, highBoundary, precision; and comparable, type.

https://hl7.org/fhirpath/#boundary-functions
"""

from __future__ import annotations

import calendar
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath.functions.definition import ANY, Function, on_value
from fhir_server.fhirpath.quantities import Quantity, same_scale
from fhir_server.fhirpath.temporal import Field, Temporal
from fhir_server.fhirpath.values import Node, SystemValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.fhirpath.model import TypeModel
    from fhir_server.fhirpath.scope import Evaluator

_MOST_PLACES = 31
_DEFAULT_PLACES = 8
_DATE_DIGITS = (4, 6, 8, 10, 12, 17)
"""Digits of a date-time known down to the year, month, day, hour, minute, millisecond."""
_TIME_DIGITS = (2, 4, 9)
_EASTERNMOST, _WESTERNMOST = 14 * 60, -12 * 60
_SECONDS_ONLY = {"DateTime": 14, "Time": 6}


def _boundary(*, is_high: bool) -> Callable[..., SystemValue | None]:
    def run(value: SystemValue, places: int | None = None) -> SystemValue | None:
        if isinstance(value, Temporal):
            return _temporal_boundary(value, places, is_high=is_high)
        if isinstance(value, Quantity):
            number = _number_boundary(value.value, places, is_high=is_high)
            return None if number is None else Quantity(number, value.unit, value.is_calendar)
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return _number_boundary(Decimal(value), places, is_high=is_high)
        return None

    return run


def _number_boundary(value: Decimal, places: int | None, *, is_high: bool) -> Decimal | None:
    """Half a unit of the last digit further, cut to `places`: towards zero, or rounded where away from it."""
    places = _DEFAULT_PLACES if places is None else places
    if not 0 <= places <= _MOST_PLACES:
        return None
    with localcontext() as context:
        context.prec = 100
        half = Decimal(5).scaleb(int(value.as_tuple().exponent) - 1)
        edge = value + half if is_high else value - half
        is_outward = is_high != (value.is_signed())
        return edge.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP if is_outward else ROUND_DOWN)


def _temporal_boundary(value: Temporal, digits: int | None, *, is_high: bool) -> Temporal | None:
    steps = _TIME_DIGITS if value.kind == "Time" else _DATE_DIGITS[:3] if value.kind == "Date" else _DATE_DIGITS
    digits = steps[-1] if digits is None else digits
    if digits not in steps:
        return None
    fields = _filled(value, is_high=is_high)[: steps.index(digits) + 1]
    if value.kind != "DateTime":
        return Temporal(value.kind, fields)
    if value.offset is not None:
        return Temporal("DateTime", fields, value.offset, value.is_utc)
    return Temporal("DateTime", fields, _WESTERNMOST if is_high else _EASTERNMOST)


def _filled(value: Temporal, *, is_high: bool) -> tuple[Field, ...]:
    """All fields, those unknown at their least or greatest. An hour alone is read as its first minute."""
    if value.kind == "Time":
        return _filled_time(value.fields, is_high=is_high)
    date, time = value.fields[:3], value.fields[3:]
    year = int(date[0])
    month = int(date[1]) if len(date) > 1 else 12 if is_high else 1
    last = calendar.monthrange(year, month)[1] if is_high else 1
    day = int(date[2]) if len(date) == 3 else last  # noqa: PLR2004 (year, month, day)
    return (year, month, day, *_filled_time(time, is_high=is_high))


def _filled_time(time: tuple[Field, ...], *, is_high: bool) -> tuple[Field, ...]:
    if not time:
        return (23, 59, Decimal("59.999")) if is_high else (0, 0, Decimal("00.000"))
    minute = time[1] if len(time) > 1 else 0
    if len(time) < 3:  # noqa: PLR2004 (hour, minute, second)
        return (time[0], minute, Decimal("59.999") if is_high else Decimal("0.000"))
    second = Decimal(time[2])
    if second != second.to_integral_value() or "." in str(time[2]):
        return (time[0], minute, second)
    return (time[0], minute, second + (Decimal("0.999") if is_high else Decimal("0.000")))


def _precision(value: SystemValue) -> int | None:
    if isinstance(value, Temporal):
        digits = _TIME_DIGITS if value.kind == "Time" else _DATE_DIGITS
        has_seconds = len(value.fields) == len(digits)
        if has_seconds and "." not in str(value.fields[-1]):
            return _SECONDS_ONLY[value.kind]
        return digits[len(value.fields) - 1]
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return max(0, -int(Decimal(value).as_tuple().exponent))
    return None


def _comparable(one: Quantity, other: SystemValue) -> bool:
    return isinstance(other, Quantity) and same_scale(one, other) is not None


def _type(_arguments: tuple[Evaluator, ...], model: TypeModel) -> Evaluator:
    def describe(node: Node) -> Node:
        namespace, name = model.described(node.type_name)
        return Node({"namespace": namespace, "name": name}, "System.TypeInfo")

    return lambda nodes, _scope: [describe(node) for node in nodes]


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "lowBoundary": on_value(ANY, _boundary(is_high=False), 0, 1),
        "highBoundary": on_value(ANY, _boundary(is_high=True), 0, 1),
        "precision": on_value(ANY, _precision),
        "comparable": on_value(Quantity, _comparable, 1),
        "type": Function(_type),
    }
)

"""Adding, multiplying, concatenating: on numbers, text, quantities and dates.

http://hl7.org/fhirpath/N1/#math-2
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal, DecimalException, localcontext
from typing import NoReturn

from fhir_server.fhirpath.quantities import Quantity, same_scale, unit_of
from fhir_server.fhirpath.scope import LONGEST_TEXT, FhirPathEvaluationError
from fhir_server.fhirpath.temporal import Temporal, add_duration
from fhir_server.fhirpath.values import Node, SystemValue, node_of, system_value

DIGITS = 28
"""Digits a computed decimal carries."""


def _refuse(what: str) -> NoReturn:
    raise FhirPathEvaluationError(f"{what} does not apply to values of these types")


def _is_number(value: SystemValue | None) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _numbers(one: SystemValue | None, other: SystemValue | None) -> tuple[int | Decimal, int | Decimal] | None:
    if isinstance(one, bool) or isinstance(other, bool):
        return None
    if isinstance(one, (int, Decimal)) and isinstance(other, (int, Decimal)):
        return (one, other) if type(one) is type(other) else (Decimal(one), Decimal(other))
    return None


def _result(value: SystemValue | None) -> list[Node]:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise FhirPathEvaluationError("The text becomes too long")
    return [] if value is None or _is_too_large(value) else [node_of(value)]


_LARGEST_INTEGER = 2**63


def _is_too_large(value: SystemValue) -> bool:
    return isinstance(value, int) and not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER


def add(left: Node, right: Node) -> list[Node]:
    """`left + right`."""
    one, other = system_value(left), system_value(right)
    if isinstance(one, str) and isinstance(other, str):
        return _result(one + other)
    if isinstance(one, Temporal) and isinstance(other, Quantity):
        return _moved(one, other, 1)
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return _sum(one, other, 1)
    numbers = _numbers(one, other) or _refuse("+")
    return _result(numbers[0] + numbers[1])


def subtract(left: Node, right: Node) -> list[Node]:
    """`left - right`."""
    one, other = system_value(left), system_value(right)
    if isinstance(one, Temporal) and isinstance(other, Quantity):
        return _moved(one, other, -1)
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return _sum(one, other, -1)
    numbers = _numbers(one, other) or _refuse("-")
    return _result(numbers[0] - numbers[1])


def _moved(value: Temporal, duration: Quantity, sign: int) -> list[Node]:
    unit = duration.calendar_unit()
    if not unit or (value.kind == "Time" and unit in ("year", "month")):
        raise FhirPathEvaluationError(
            "Only calendar durations and UCUM units up to weeks can be added to a date or time"
        )
    try:
        return _result(add_duration(value, sign * duration.value, unit))
    except DecimalException:
        return []


def _sum(one: Quantity, other: Quantity, sign: int) -> list[Node]:
    if one.unit == other.unit and one.is_calendar == other.is_calendar:
        return _result(Quantity(one.value + sign * other.value, one.unit, one.is_calendar))
    scaled, unit = same_scale(one, other), unit_of(one)
    if scaled is None or unit is None or unit.offset:
        return []
    return _result(Quantity((scaled[0] + sign * scaled[1]) / unit.factor, one.unit, one.is_calendar))


def multiply(left: Node, right: Node) -> list[Node]:
    """`left * right`."""
    one, other = system_value(left), system_value(right)
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        first, second = _as_quantity(one), _as_quantity(other)
        return _result(Quantity(first.value * second.value, _joined(first.unit, second.unit, ".")))
    numbers = _numbers(one, other) or _refuse("*")
    return _result(numbers[0] * numbers[1])


def divide(left: Node, right: Node) -> list[Node]:
    """`left / right`: always a Decimal, empty by zero."""
    one, other = system_value(left), system_value(right)
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        return _ratio(_as_quantity(one), _as_quantity(other))
    numbers = _numbers(one, other) or _refuse("/")
    return _result(_quotient(Decimal(numbers[0]), Decimal(numbers[1]))) if numbers[1] else []


def _ratio(one: Quantity, other: Quantity) -> list[Node]:
    if not other.value:
        return []
    if one.unit == other.unit:
        return _result(Quantity(_quotient(one.value, other.value), "1"))
    scaled = same_scale(one, other)
    if scaled is not None:
        return _result(Quantity(_quotient(*scaled), "1"))
    return _result(Quantity(_quotient(one.value, other.value), _joined(one.unit, other.unit, "/")))


def _joined(one: str, other: str, operator: str) -> str:
    if other == "1":
        return one
    if one == "1":
        return other if operator == "." else f"/{other}"
    return f"{one}{operator}({other})" if operator == "/" and ("." in other or "/" in other) else one + operator + other


def _as_quantity(value: SystemValue | None) -> Quantity:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Quantity(Decimal(value))
    return _refuse("Arithmetic")


def _quotient(one: Decimal, other: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = DIGITS
        return one / other


def divide_whole(left: Node, right: Node) -> list[Node]:
    """`left div right`: truncated towards zero."""
    numbers = _numbers(system_value(left), system_value(right)) or _refuse("div")
    if not numbers[1]:
        return []
    one, other = Decimal(numbers[0]), Decimal(numbers[1])
    with localcontext() as context:
        context.prec = 60
        return _result(int((one / other).to_integral_value(ROUND_DOWN)))


def remainder(left: Node, right: Node) -> list[Node]:
    """`left mod right`: with the sign of `left`."""
    numbers = _numbers(system_value(left), system_value(right)) or _refuse("mod")
    if not numbers[1]:
        return []
    try:
        rest = Decimal(numbers[0]) % Decimal(numbers[1])
    except DecimalException:
        return []
    return _result(int(rest) if isinstance(numbers[0], int) else rest)


def negate(node: Node) -> list[Node]:
    """`-node`."""
    value = system_value(node)
    if isinstance(value, Quantity):
        return _result(Quantity(-value.value, value.unit, value.is_calendar))
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return _result(-value)
    return _refuse("-")


def concatenate(left: Node | None, right: Node | None) -> list[Node]:
    """`left & right`: empty counts as the empty text."""
    texts = ["" if node is None or node.value is None else system_value(node) for node in (left, right)]
    if not all(isinstance(text, str) for text in texts):
        _refuse("&")
    return _result("".join(str(text) for text in texts))

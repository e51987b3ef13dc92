"""Conversion between System types: toInteger, convertsToDate and the rest.

http://hl7.org/fhirpath/N1/#conversion
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from fhir_server.fhirpath.functions.definition import Function, eager, value_of
from fhir_server.fhirpath.parser import CALENDAR_UNITS
from fhir_server.fhirpath.quantities import Quantity, same_scale, unit_of
from fhir_server.fhirpath.scope import single
from fhir_server.fhirpath.temporal import Temporal, parse_temporal
from fhir_server.fhirpath.values import Node, SystemValue, boolean, node_of, system_value

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?", re.ASCII)
_QUANTITY = re.compile(r"([+-]?\d{1,40}(?:\.\d{1,40})?)(?:\s*(?:'([^']+)'|([a-z]+)))?", re.ASCII)

Convert = Callable[[SystemValue], SystemValue | None]


def to_boolean(value: SystemValue) -> bool | None:
    """`true`, `'yes'`, `1` …."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, Decimal)):
        return {1: True, 0: False}.get(int(value)) if value == int(value) else None
    if isinstance(value, str):
        folded = value.lower()
        return True if folded in _TRUE else False if folded in _FALSE else None
    return None


def to_integer(value: SystemValue) -> int | None:
    """Integers, Booleans and text that is an integer."""
    if isinstance(value, int):
        return int(value)
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def to_decimal(value: SystemValue) -> Decimal | None:
    """Numbers, Booleans and text that is a number."""
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else None


def to_string(value: SystemValue) -> str | None:
    """Every System value as its literal would be written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def to_date(value: SystemValue) -> Temporal | None:
    """Dates, the date of a date-time, and text that is one."""
    if isinstance(value, Temporal):
        return None if value.kind == "Time" else Temporal("Date", value.fields[:3])
    return parse_temporal("Date", value) if isinstance(value, str) else None


def to_date_time(value: SystemValue) -> Temporal | None:
    """Dates, date-times and text that is one."""
    if isinstance(value, Temporal):
        return None if value.kind == "Time" else Temporal("DateTime", value.fields, value.offset, value.is_utc)
    return parse_temporal("DateTime", value) if isinstance(value, str) else None


def to_time(value: SystemValue) -> Temporal | None:
    """Times and text that is one."""
    if isinstance(value, Temporal):
        return value if value.kind == "Time" else None
    return parse_temporal("Time", value.removeprefix("T")) if isinstance(value, str) else None


def to_quantity(value: SystemValue) -> Quantity | None:
    """Quantities, numbers, Booleans and text such as `4 days` or `10 'mg'`."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, (int, Decimal)):
        return Quantity(Decimal(value))
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    number, unit, word = match.groups()
    if word is None:
        return Quantity(Decimal(number), unit or "1")
    return Quantity(Decimal(number), CALENDAR_UNITS[word], is_calendar=True) if word in CALENDAR_UNITS else None


def _to(convert: Convert) -> Function:
    def call(nodes: list[Node]) -> list[Node]:
        node = single(nodes, "A conversion")
        value = None if node is None else system_value(node)
        result = None if value is None else convert(value)
        return [] if result is None else [node_of(result)]

    return eager(call, 0)


def _converts_to(convert: Convert) -> Function:
    def call(nodes: list[Node]) -> list[Node]:
        node = single(nodes, "A conversion")
        if node is None:
            return []
        value = system_value(node)
        return boolean(value is not None and convert(value) is not None)

    return eager(call, 0)


def _in_unit(nodes: list[Node], unit: list[Node]) -> Quantity | None:
    node = single(nodes, "toQuantity()")
    value = None if node is None else system_value(node)
    quantity = None if value is None else to_quantity(value)
    code = value_of(unit, str, "toQuantity()")
    if quantity is None or code is None:
        return quantity
    wanted = Quantity(Decimal(1), CALENDAR_UNITS.get(code, code), code in CALENDAR_UNITS)
    scaled, scale = same_scale(quantity, wanted), unit_of(wanted)
    if scaled is None or scale is None:
        return quantity if quantity.unit == wanted.unit else None
    return Quantity(scaled[0] / scale.factor - scale.offset, wanted.unit, wanted.is_calendar)


def _to_quantity(nodes: list[Node], unit: list[Node] | None = None) -> list[Node]:
    result = _in_unit(nodes, unit or [])
    return [] if result is None else [node_of(result)]


def _converts_to_quantity(nodes: list[Node], unit: list[Node] | None = None) -> list[Node]:
    return boolean(_in_unit(nodes, unit or []) is not None) if nodes else []


_CONVERSIONS: Mapping[str, Convert] = MappingProxyType(
    {
        "Boolean": to_boolean,
        "Integer": to_integer,
        "Decimal": to_decimal,
        "String": to_string,
        "Date": to_date,
        "DateTime": to_date_time,
        "Time": to_time,
    }
)
FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {f"to{name}": _to(convert) for name, convert in _CONVERSIONS.items()}
    | {f"convertsTo{name}": _converts_to(convert) for name, convert in _CONVERSIONS.items()}
    | {"toQuantity": eager(_to_quantity, 0, 1), "convertsToQuantity": eager(_converts_to_quantity, 0, 1)}
)

"""Equals, equivalent, ordering and distinctness of collections.

http://hl7.org/fhirpath/N1/#equality
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath.quantities import Quantity, same_scale
from fhir_server.fhirpath.scope import FhirPathEvaluationError
from fhir_server.fhirpath.temporal import Temporal, compare_temporal
from fhir_server.fhirpath.values import QUANTITY_TYPES, Node, SystemValue, system_value

_SPACES = re.compile(r"\s+")


def equal(left: list[Node], right: list[Node]) -> bool | None:
    """`=`: None where one side is empty or precision leaves it open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    answers = [equal_items(one, other) for one, other in zip(left, right, strict=True)]
    if False in answers:
        return False
    return None if None in answers else True


def equal_items(left: Node, right: Node) -> bool | None:
    """`=` of two items."""
    if isinstance(left.value, bool) or isinstance(right.value, bool):
        return left.value is right.value
    one, other = system_value(left), system_value(right)
    if one is None or other is None:
        if one is None and other is None:
            return bool(left.value == right.value and left.sibling == right.sibling)
        return False
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        return _equal_temporal(one, other)
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        return _equal_quantities(one, other)
    return one == other


def _equal_temporal(one: Temporal, other: Temporal) -> bool | None:
    if (one.kind == "Time") != (other.kind == "Time"):
        return False
    order = compare_temporal(one, other)
    return None if order is None else order == 0


def _as_quantity(value: SystemValue) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Quantity(Decimal(value))
    return None


def _equal_quantities(one: SystemValue, other: SystemValue) -> bool | None:
    left, right = _as_quantity(one), _as_quantity(other)
    if left is None or right is None:
        return False
    scaled = same_scale(left, right)
    return None if scaled is None else _nearly(*scaled)


def _nearly(one: Decimal, other: Decimal) -> bool:
    """Equal but for the rounding of unit factors in the 25th digit."""
    return one == other or abs(one - other) <= max(abs(one), abs(other)).scaleb(-24)


def equivalent(left: list[Node], right: list[Node]) -> bool:
    """`~`: order does not count, text compares by letters, numbers by the lesser precision."""
    if len(left) != len(right):
        return False
    remaining = list(right)
    for one in left:
        match = next((place for place, other in enumerate(remaining) if equivalent_items(one, other)), None)
        if match is None:
            return False
        del remaining[match]
    return True


def equivalent_items(left: Node, right: Node) -> bool:
    """`~` of two items."""
    one, other = system_value(left), system_value(right)
    if one is None or other is None:
        return one is other and _equivalent_json(left.value, right.value)
    if isinstance(one, str) and isinstance(other, str):
        return _folded(one) == _folded(other)
    if isinstance(one, (bool, str)) or isinstance(other, (bool, str)):
        return one is other
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        return _equal_temporal(one, other) is True
    return _equivalent_numbers(one, other)


def _folded(text: str) -> str:
    return _SPACES.sub(" ", text).strip().casefold()


def _equivalent_numbers(one: SystemValue, other: SystemValue) -> bool:
    left, right = _as_quantity(one), _as_quantity(other)
    if left is None or right is None:
        return False
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        scaled = same_scale(_loosened(left), _loosened(right))
        return scaled is not None and _same_to_lesser_precision(*scaled)
    return _same_to_lesser_precision(left.value, right.value)


def _loosened(quantity: Quantity) -> Quantity:
    """A calendar year is equivalent to a UCUM year, though not equal."""
    word = {"a": "year", "mo": "month"}.get(quantity.unit)
    return Quantity(quantity.value, word, is_calendar=True) if word else quantity


def _decimal_places(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))


def _same_to_lesser_precision(one: Decimal, other: Decimal) -> bool:
    step = Decimal(1).scaleb(-min(_decimal_places(one), _decimal_places(other), 20))
    try:
        return one.quantize(step) == other.quantize(step)
    except ArithmeticError:
        return _nearly(one, other)


def _equivalent_json(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = (one.keys() | other.keys()) - {"id"}
        return all(key in one and key in other and _equivalent_json(one[key], other[key]) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        remaining = list(other)
        for item in one:
            match = next((place for place, there in enumerate(remaining) if _equivalent_json(item, there)), None)
            if match is None:
                return False
            del remaining[match]
        return not remaining
    if isinstance(one, str) and isinstance(other, str):
        return _folded(one) == _folded(other)
    return bool(one == other)


def order(left: Node, right: Node) -> int | None:
    """-1, 0, 1; None where precision or units leave it open or a value is missing; an error between unlike types."""
    if left.value is None or right.value is None:
        return None
    one, other = system_value(left), system_value(right)
    if isinstance(one, str) and isinstance(other, str):
        return (one > other) - (one < other)
    if isinstance(one, Temporal) and isinstance(other, Temporal) and (one.kind == "Time") == (other.kind == "Time"):
        return compare_temporal(one, other)
    if one is not None and other is not None:
        first, second = _as_quantity(one), _as_quantity(other)
        if first is not None and second is not None:
            scaled = same_scale(first, second)
            return None if scaled is None else (scaled[0] > scaled[1]) - (scaled[0] < scaled[1])
    raise FhirPathEvaluationError("Values of these types have no order")


def distinct(nodes: list[Node]) -> list[Node]:
    """`nodes` without those equal to an earlier one."""
    if len(nodes) < 2:  # noqa: PLR2004 (nothing to compare)
        return nodes
    kept: list[Node] = []
    texts: set[str] = set()
    objects: list[dict[str, Any]] = []
    others: list[Node] = []
    for node in nodes:
        value = node.value
        if type(value) is str and node.type_name not in _TEMPORAL_TYPES:
            if value not in texts:
                texts.add(value)
                kept.append(node)
        elif type(value) is dict and node.type_name not in QUANTITY_TYPES:
            if not any(value == other for other in objects):
                objects.append(value)
                kept.append(node)
        elif not any(equal_items(node, other) for other in others):
            others.append(node)
            kept.append(node)
    return kept


_TEMPORAL_TYPES = frozenset({"date", "dateTime", "instant", "time", "System.Date", "System.DateTime", "System.Time"})


def contains_item(nodes: list[Node], wanted: Node) -> bool:
    """Whether some item equals `wanted`."""
    return any(equal_items(node, wanted) for node in nodes)

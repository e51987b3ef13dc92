"""What a FHIRPath collection holds: nodes, which are JSON values that know their type.

FHIR primitives stay the JSON values they are and become System values only where an operator
or function asks (`system_value`).

https://hl7.org/fhir/R4/fhirpath.html#types
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.fhirpath.quantities import Quantity, quantity_from_json
from fhir_server.fhirpath.temporal import Temporal, parse_temporal

_TEXTS = ("string", "code", "id", "markdown", "uri", "url", "canonical", "oid", "uuid", "base64Binary", "xhtml")
SYSTEM_TYPES = MappingProxyType(
    dict.fromkeys(_TEXTS, "String")
    | {
        "boolean": "Boolean",
        "integer": "Integer",
        "positiveInt": "Integer",
        "unsignedInt": "Integer",
        "integer64": "Integer",
        "decimal": "Decimal",
        "date": "Date",
        "dateTime": "DateTime",
        "instant": "DateTime",
        "time": "Time",
        "System.Boolean": "Boolean",
        "System.Integer": "Integer",
        "System.Decimal": "Decimal",
        "System.String": "String",
        "System.Date": "Date",
        "System.DateTime": "DateTime",
        "System.Time": "Time",
    }
)
"""The System type each primitive converts to implicitly."""

QUANTITY_TYPES = frozenset(
    {"Quantity", "Age", "Distance", "Duration", "Count", "MoneyQuantity", "SimpleQuantity", "System.Quantity"}
)
FHIR_NAMES = MappingProxyType(
    {
        "System.Boolean": "boolean",
        "System.Integer": "integer",
        "System.Decimal": "decimal",
        "System.String": "string",
        "System.Date": "date",
        "System.DateTime": "dateTime",
        "System.Time": "time",
        "System.Quantity": "Quantity",
    }
)
"""How a computed value is named once it leaves an expression."""

SystemValue = bool | int | Decimal | str | Temporal | Quantity


class Node:
    """One item of a collection.

    `value` is the JSON value (None where a primitive has only extensions), `type_name` a FHIR type,
    the path of a backbone element or `System.…`, `sibling` the `_element` object of a primitive.
    """

    __slots__ = ("sibling", "type_name", "value")

    def __init__(self, value: Any, type_name: str, sibling: dict[str, Any] | None = None) -> None:
        self.value = value
        self.type_name = type_name
        self.sibling = sibling

    def __repr__(self) -> str:
        return f"Node({self.type_name})"


def boolean(value: bool) -> list[Node]:  # noqa: FBT001 (the value is the argument)
    """A collection of one Boolean."""
    return [Node(value, "System.Boolean")]


def integer(value: int) -> list[Node]:
    """A collection of one Integer."""
    return [Node(value, "System.Integer")]


def decimal(value: Decimal) -> list[Node]:
    """A collection of one Decimal."""
    return [Node(value, "System.Decimal")]


def string(value: str) -> list[Node]:
    """A collection of one String."""
    return [Node(value, "System.String")]


def node_of(value: SystemValue) -> Node:
    """The node of a System value."""
    if isinstance(value, bool):
        return Node(value, "System.Boolean")
    if isinstance(value, int):
        return Node(value, "System.Integer")
    if isinstance(value, Decimal):
        return Node(value, "System.Decimal")
    if isinstance(value, Temporal):
        return Node(str(value), "System." + value.kind)
    if isinstance(value, Quantity):
        return Node(value, "System.Quantity")
    return Node(value, "System.String")


def system_value(node: Node) -> SystemValue | None:
    """What `node` is to operators and functions; None for complex values and primitives without a value."""
    value = node.value
    kind = SYSTEM_TYPES.get(node.type_name)
    if kind is None:
        if node.type_name in QUANTITY_TYPES:
            return value if isinstance(value, Quantity) else quantity_from_json(value)
        return None
    if value is None or kind == "String":
        return value if isinstance(value, str) else None
    if kind in ("Date", "DateTime", "Time"):
        return parse_temporal(kind, value) if isinstance(value, str) else None
    if kind == "Boolean":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return Decimal(value) if kind == "Decimal" else value


def outward(nodes: list[Node]) -> list[Node]:
    """`nodes` with the types and values of computed items named as FHIR names them."""
    return [_outward(node) if node.type_name in FHIR_NAMES else node for node in nodes]


def _outward(node: Node) -> Node:
    value = node.value.json() if isinstance(node.value, Quantity) else node.value
    return Node(value, FHIR_NAMES[node.type_name], node.sibling)

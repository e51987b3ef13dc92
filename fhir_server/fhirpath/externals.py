"""The environment variables an expression may name: `%resource`, `%ucum`, `%vs-…` and those handed in.

https://hl7.org/fhir/R4/fhirpath.html#variables
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from fhir_server.fhirpath.navigation import resource_type_of
from fhir_server.fhirpath.scope import Evaluator, FhirPathEvaluationError, Scope
from fhir_server.fhirpath.values import Node, node_of

_CONSTANTS = MappingProxyType(
    {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
)
_PREFIXES = MappingProxyType(
    {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}
)


def external(name: str) -> Evaluator:
    """`%name`."""
    if name == "resource":
        return lambda _nodes, scope: [scope.resource]
    if name == "rootResource":
        return lambda _nodes, scope: [scope.root]
    if name == "context":
        return lambda _nodes, scope: [scope.context]
    text = _CONSTANTS.get(name)
    for prefix, start in _PREFIXES.items():
        if name.startswith(prefix):
            text = start + name.removeprefix(prefix)
    if text is not None:
        node = Node(text, "System.String")
        return lambda _nodes, _scope: [node]
    return lambda _nodes, scope: _handed_in(name, scope)


def _handed_in(name: str, scope: Scope) -> list[Node]:
    if scope.variables is None or name not in scope.variables:
        raise FhirPathEvaluationError(f"There is no variable %{name[:60]}")
    value = scope.variables[name]
    return [_node(item) for item in value] if isinstance(value, list) else [_node(value)]


def _node(value: Any) -> Node:
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        return Node(value, resource_type_of(value))
    return node_of(value)

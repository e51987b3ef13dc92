"""Existence: empty, exists, all, allTrue …, count, distinct, subsetOf ….

http://hl7.org/fhirpath/N1/#existence
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath import equality
from fhir_server.fhirpath.functions.definition import Function, eager, simple
from fhir_server.fhirpath.scope import Evaluator, FhirPathEvaluationError, Scope, truth
from fhir_server.fhirpath.values import Node, boolean, integer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.fhirpath.model import TypeModel


def _exists(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    if not arguments:
        return lambda nodes, _scope: boolean(bool(nodes))
    criterion = arguments[0]
    return lambda nodes, scope: boolean(_any(nodes, scope, criterion))


def _any(nodes: list[Node], scope: Scope, criterion: Evaluator) -> bool:
    scope.charge(len(nodes))
    outer = scope.this, scope.index
    found = False
    for scope.index, node in enumerate(nodes):
        scope.this = [node]
        if truth(criterion(scope.this, scope), "exists()"):
            found = True
            break
    scope.this, scope.index = outer
    return found


def _all(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    criterion = arguments[0]

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        scope.charge(len(nodes))
        outer = scope.this, scope.index
        held = True
        for scope.index, node in enumerate(nodes):
            scope.this = [node]
            if not truth(criterion(scope.this, scope), "all()"):
                held = False
                break
        scope.this, scope.index = outer
        return boolean(held)

    return run


def _booleans(nodes: list[Node]) -> list[bool]:
    if not all(isinstance(node.value, bool) for node in nodes):
        raise FhirPathEvaluationError("allTrue() and its like need Booleans")
    return [node.value for node in nodes]


def _over_booleans(decide: Callable[[list[bool]], bool]) -> Function:
    return simple(lambda nodes, _scope: boolean(decide(_booleans(nodes))))


def _is_subset(nodes: list[Node], others: list[Node]) -> bool:
    return all(equality.contains_item(others, node) for node in nodes)


def _not(nodes: list[Node], _scope: Scope) -> list[Node]:
    value = truth(nodes, "not()")
    return [] if value is None else boolean(not value)


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "empty": simple(lambda nodes, _scope: boolean(not nodes)),
        "exists": Function(_exists, 0, 1, on_items=True),
        "all": Function(_all, 1, 1, on_items=True),
        "not": simple(_not),
        "allTrue": _over_booleans(all),
        "anyTrue": _over_booleans(any),
        "allFalse": _over_booleans(lambda values: not any(values)),
        "anyFalse": _over_booleans(lambda values: not all(values)),
        "count": simple(lambda nodes, _scope: integer(len(nodes))),
        "distinct": simple(lambda nodes, _scope: equality.distinct(nodes), keeps_type=True),
        "isDistinct": simple(lambda nodes, _scope: boolean(len(equality.distinct(nodes)) == len(nodes))),
        "subsetOf": eager(lambda nodes, others: boolean(_is_subset(nodes, others)), 1),
        "supersetOf": eager(lambda nodes, others: boolean(_is_subset(others, nodes)), 1),
    }
)

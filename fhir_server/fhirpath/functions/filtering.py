"""Filtering, projection and aggregation: where, select, repeat, aggregate, sort.

http://hl7.org/fhirpath/N1/#filtering-and-projection
"""

from __future__ import annotations

from functools import cmp_to_key
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath import equality
from fhir_server.fhirpath.functions.definition import Function
from fhir_server.fhirpath.scope import MOST_STEPS, Evaluator, Scope, single, truth
from fhir_server.fhirpath.values import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.fhirpath.model import TypeModel


def _where(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    criterion = arguments[0]

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        if not nodes:
            return nodes
        scope.charge(len(nodes))
        outer = scope.this, scope.index
        kept = []
        for scope.index, node in enumerate(nodes):
            scope.this = item = [node]
            found = criterion(item, scope)
            if found and truth(found, "where()"):
                kept.append(node)
        scope.this, scope.index = outer
        return kept

    return run


def _select(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    projection = arguments[0]

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        scope.charge(len(nodes))
        outer = scope.this, scope.index
        found: list[Node] = []
        for scope.index, node in enumerate(nodes):
            scope.this = [node]
            found += projection(scope.this, scope)
            if len(found) > MOST_STEPS:
                scope.charge(len(found))
        scope.this, scope.index = outer
        return found

    return run


def _repeat(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    project = _select(arguments, _model)

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        found: list[Node] = []
        seen: set[object] = set()
        level = nodes
        while level:
            level = [node for node in project(level, scope) if _is_new(node, seen)]
            found += level
        return found

    return run


def _is_new(node: Node, seen: set[object]) -> bool:
    """Whether `node` is met first: objects by identity, values by being equal."""
    value = node.value
    key: object = id(value) if isinstance(value, (dict, list)) else (isinstance(value, bool), value)
    if key in seen:
        return False
    seen.add(key)
    return True


def _aggregate(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    aggregator, *initial = arguments

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        scope.charge(len(nodes))
        outer = scope.this, scope.index, scope.total
        total = initial[0](scope.this, scope) if initial else []
        for scope.index, node in enumerate(nodes):
            scope.this, scope.total = [node], total
            total = aggregator(scope.this, scope)
        scope.this, scope.index, scope.total = outer
        return total

    return run


def sorting(keys: tuple[tuple[Evaluator, bool], ...]) -> Evaluator:
    """`sort(key, -other)`: each key with whether it descends; without keys the items themselves, ascending.

    An item whose key is empty comes first either way.
    """

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        outer = scope.this, scope.index
        rows = []
        for scope.index, node in enumerate(nodes):
            scope.this = [node]
            row = [_with_value(single(key(scope.this, scope), "sort()")) for key, _ in keys] or [_with_value(node)]
            rows.append((row, node))
        scope.this, scope.index = outer
        compare = _row_order([descends for _, descends in keys] or [False])
        return [node for _, node in sorted(rows, key=cmp_to_key(compare))]

    return run


def _with_value(node: Node | None) -> Node | None:
    return None if node is None or node.value is None else node


_Row = tuple[list[Node | None], Node]


def _row_order(descending: list[bool]) -> Callable[[_Row, _Row], int]:
    def compare(left: _Row, right: _Row) -> int:
        for one, other, descends in zip(left[0], right[0], descending, strict=True):
            if one is None or other is None:
                result = (one is not None) - (other is not None)
            else:
                result = (equality.order(one, other) or 0) * (-1 if descends else 1)
            if result:
                return result
        return 0

    return compare


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "where": Function(_where, 1, 1, on_items=True, keeps_type=True),
        "select": Function(_select, 1, 1, on_items=True),
        "repeat": Function(_repeat, 1, 1, on_items=True, repeats=True),
        "aggregate": Function(_aggregate, 1, 2, on_items=True),
    }
)

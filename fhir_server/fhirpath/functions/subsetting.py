"""Subsetting and combining: first, last, tail, skip, take, single, union, combine, intersect, exclude.

http://hl7.org/fhirpath/N1/#subsetting
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath import equality
from fhir_server.fhirpath.functions.definition import Function, eager, simple, value_of
from fhir_server.fhirpath.scope import MOST_STEPS, FhirPathEvaluationError, Scope, single

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.fhirpath.values import Node


def _single(nodes: list[Node], _scope: Scope) -> list[Node]:
    single(nodes, "single()")
    return nodes


def _cut(cut: Callable[[list[Node], int], list[Node]]) -> Function:
    def call(nodes: list[Node], amount: list[Node]) -> list[Node]:
        number = value_of(amount, int, "The number of items")
        return [] if number is None else cut(nodes, max(0, number))

    return eager(call, 1, keeps_type=True)


def _intersect(nodes: list[Node], others: list[Node]) -> list[Node]:
    return equality.distinct([node for node in nodes if equality.contains_item(others, node)])


def _combine(nodes: list[Node], others: list[Node], _keep_order: list[Node] | None = None) -> list[Node]:
    if len(nodes) + len(others) > MOST_STEPS:
        raise FhirPathEvaluationError("combine() makes too many items")
    return nodes + others


def _exclude(nodes: list[Node], others: list[Node]) -> list[Node]:
    return [node for node in nodes if not equality.contains_item(others, node)]


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "first": simple(lambda nodes, _scope: nodes[:1], keeps_type=True),
        "last": simple(lambda nodes, _scope: nodes[-1:], keeps_type=True),
        "tail": simple(lambda nodes, _scope: nodes[1:], keeps_type=True),
        "single": simple(_single, keeps_type=True),
        "skip": _cut(lambda nodes, number: nodes[number:]),
        "take": _cut(lambda nodes, number: nodes[:number]),
        "intersect": eager(_intersect, 1),
        "exclude": eager(_exclude, 1, keeps_type=True),
        "union": eager(lambda nodes, others: equality.distinct(nodes + others), 1),
        "combine": eager(_combine, 1, 2),
    }
)

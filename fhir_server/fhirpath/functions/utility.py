"""Utility and tree navigation: iif, trace, today, now, children, descendants, defineVariable.

http://hl7.org/fhirpath/N1/#utility-functions
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath.functions.definition import Function, simple, value_of
from fhir_server.fhirpath.navigation import children_of
from fhir_server.fhirpath.scope import Evaluator, FhirPathEvaluationError, Scope, truth
from fhir_server.fhirpath.values import Node

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fhir_server.fhirpath.model import TypeModel


def _iif(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    criterion, then, *otherwise = arguments

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        if len(nodes) > 1:
            raise FhirPathEvaluationError("iif() needs a single item")
        outer = scope.this
        scope.this = nodes
        if truth(criterion(nodes, scope), "iif()"):
            found = then(nodes, scope)
        else:
            found = otherwise[0](nodes, scope) if otherwise else []
        scope.this = outer
        return found

    return run


def _trace(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    name, *projection = arguments

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        report = scope.services.trace
        if report is not None:
            shown = projection[0](nodes, scope) if projection else nodes
            report(value_of(name(scope.this, scope), str, "trace()") or "", shown)
        return nodes

    return run


def _clock(scope: Scope) -> datetime:
    if scope.services.now is None:
        raise FhirPathEvaluationError("now(), today() and timeOfDay() need a clock, and none was handed in")
    return scope.services.now


def _now(_nodes: list[Node], scope: Scope) -> list[Node]:
    return [Node(_clock(scope).isoformat(timespec="milliseconds"), "System.DateTime")]


def _today(_nodes: list[Node], scope: Scope) -> list[Node]:
    return [Node(_clock(scope).date().isoformat(), "System.Date")]


def _time_of_day(_nodes: list[Node], scope: Scope) -> list[Node]:
    return [Node(_clock(scope).strftime("%H:%M:%S.") + f"{_clock(scope).microsecond // 1000:03}", "System.Time")]


def _children(_arguments: tuple[Evaluator, ...], model: TypeModel) -> Evaluator:
    return lambda nodes, _scope: children_of(nodes, model)


def _descendants(_arguments: tuple[Evaluator, ...], model: TypeModel) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        found: list[Node] = []
        level = children_of(nodes, model)
        while level:
            scope.charge(len(level))
            found += level
            level = children_of(level, model)
        return found

    return run


_RESERVED = frozenset({"context", "resource", "rootResource", "ucum", "sct", "loinc"})


def _define_variable(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    name, *value = arguments

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        key = value_of(name(scope.this, scope), str, "defineVariable()")
        if not key or key in _RESERVED or key in (scope.variables or {}):
            raise FhirPathEvaluationError("defineVariable() needs a name that is still free")
        outer = scope.this
        scope.this = nodes
        held = value[0](nodes, scope) if value else nodes
        scope.this = outer
        scope.variables = {**(scope.variables or {}), key: held}
        return nodes

    return run


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "iif": Function(_iif, 2, 3, on_items=True),
        "trace": Function(_trace, 1, 2, on_items=True, keeps_type=True),
        "now": simple(_now),
        "today": simple(_today),
        "timeOfDay": simple(_time_of_day),
        "children": Function(_children),
        "descendants": Function(_descendants),
        "defineVariable": Function(_define_variable, 1, 2, on_items=True, keeps_type=True),
    }
)

"""The two filters search expressions are full of, without the general machinery.

`where(resolve() is Patient)` reads the type off the reference's text; `where(system = 'phone')`
compares one JSON property.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.navigation import Route, Routes, extend
from fhir_server.fhirpath.references import type_of_reference
from fhir_server.fhirpath.values import SYSTEM_TYPES, Node

if TYPE_CHECKING:
    from fhir_server.fhirpath.model import TypeModel
    from fhir_server.fhirpath.scope import Evaluator, Scope


def quick_where(call: ast.Call, focus: str | None, model: TypeModel) -> Evaluator | None:
    """The evaluator of a `where` of one of the two kinds, else None."""
    match call.name, call.arguments:
        case "where", (ast.TypeOperation("is", ast.Call("resolve", ()), name),):
            wanted = model.qualified(name)
            return None if wanted is None else _where_reference(wanted, model)
        case "where", (ast.Binary("=", ast.Name(member), ast.Literal("System.String", str(text))),):
            key = _text_property(member, focus, model)
            return None if key is None else _where_text(key, text)
    return None


def _where_reference(wanted: str, model: TypeModel) -> Evaluator:
    answers: dict[str, bool] = {}

    def is_wanted(node: Node, scope: Scope) -> bool:
        name = type_of_reference(node, scope)
        if name is None:
            return False
        answer = answers.get(name)
        if answer is None:
            answer = answers[name] = model.is_a(name, wanted)
        return answer

    return lambda nodes, scope: [node for node in nodes if is_wanted(node, scope)]


def _text_property(member: str, focus: str | None, model: TypeModel) -> str | None:
    """The JSON name of `member` where it is one property that holds text."""
    if focus is None or member[:1].isupper():
        return None
    routes: Routes | None = extend((Route((), focus, is_primitive=False),), member, model)
    if not routes or len(routes) > 1 or SYSTEM_TYPES.get(routes[0].type_name) != "String":
        return None
    return routes[0].keys[0]


def _where_text(key: str, text: str) -> Evaluator:
    single = [text]

    def is_wanted(node: Node) -> bool:
        value = node.value.get(key) if type(node.value) is dict else None
        return value in (text, single)

    return lambda nodes, _scope: [node for node in nodes if is_wanted(node)]

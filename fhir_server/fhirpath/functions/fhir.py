"""The functions FHIR adds: extension, hasExtension, hasValue, getValue, resolve, conformsTo, memberOf ….

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath.functions.definition import Function, eager, simple, value_of
from fhir_server.fhirpath.navigation import holder_of
from fhir_server.fhirpath.references import resolve_node
from fhir_server.fhirpath.scope import Evaluator, FhirPathEvaluationError, Scope, single
from fhir_server.fhirpath.values import SYSTEM_TYPES, Node, boolean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.fhirpath.model import TypeModel

_DEFINITIONS = "http://hl7.org/fhir/StructureDefinition/"


def _extension(nodes: list[Node], url: list[Node]) -> list[Node]:
    wanted = value_of(url, str, "extension()")
    found = []
    for node in nodes:
        holder = holder_of(node)
        extensions = holder.get("extension") if holder is not None else None
        if isinstance(extensions, list):
            found += [
                Node(item, "Extension") for item in extensions if isinstance(item, dict) and item.get("url") == wanted
            ]
    return found


def _resolve(nodes: list[Node], scope: Scope) -> list[Node]:
    found = [resolve_node(node, scope) for node in nodes]
    return [node for node in found if node is not None]


def has_value(nodes: list[Node]) -> bool:
    """Whether `nodes` is one primitive with a value."""
    return len(nodes) == 1 and nodes[0].value is not None and nodes[0].type_name in SYSTEM_TYPES


def _conforms_to(arguments: tuple[Evaluator, ...], model: TypeModel) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        profile = value_of(arguments[0](scope.this, scope), str, "conformsTo()")
        node = single(nodes, "conformsTo()")
        if node is None or profile is None:
            return []
        answer = scope.services.conforms(node, profile) if scope.services.conforms else None
        if answer is None:
            name = profile.removeprefix(_DEFINITIONS)
            if name == profile or model.qualified(name) is None:
                raise FhirPathEvaluationError("conformsTo() names a profile that is not known here")
            answer = model.is_a(node.type_name, name)
        return boolean(answer)

    return run


def _member_of(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        url = value_of(arguments[0](scope.this, scope), str, "memberOf()")
        node = single(nodes, "memberOf()")
        if node is None or url is None or scope.services.member_of is None:
            return []
        answer = scope.services.member_of(node, url)
        return [] if answer is None else boolean(answer)

    return run


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "extension": eager(_extension, 1),
        "hasExtension": eager(lambda nodes, url: boolean(bool(_extension(nodes, url))), 1),
        "hasValue": simple(lambda nodes, _scope: boolean(has_value(nodes))),
        "getValue": simple(
            lambda nodes, _scope: (
                [Node(nodes[0].value, "System." + SYSTEM_TYPES[nodes[0].type_name])] if has_value(nodes) else []
            )
        ),
        "resolve": simple(_resolve),
        "conformsTo": Function(_conforms_to, 1, 1),
        "memberOf": Function(_member_of, 1, 1),
        "htmlChecks": simple(lambda _nodes, _scope: boolean(True)),  # noqa: FBT003 (the validator owns these rules)
        "htmlChecks2": simple(lambda _nodes, _scope: boolean(True)),  # noqa: FBT003
    }
)

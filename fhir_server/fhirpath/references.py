"""Follows references as far as their own text goes, for `resolve()` where no store is at hand.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.values import Node

if TYPE_CHECKING:
    from fhir_server.fhirpath.scope import Scope

_TYPED = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64})?$")
_TEXT_TYPES = frozenset({"uri", "url", "canonical", "string", "System.String"})


def resolve_by_reference(text: str) -> Node | None:
    """An empty node of the type that `text` names: enough for `resolve() is Patient`."""
    match = _TYPED.search(text)
    return Node({}, match.group(1)) if match else None


def reference_text(node: Node) -> str | None:
    """The reference a node holds."""
    value: Any = node.value
    if type(value) is dict:
        value = value.get("reference")
    elif node.type_name not in _TEXT_TYPES:
        return None
    return value if isinstance(value, str) else None


def resolve_node(node: Node, scope: Scope) -> Node | None:
    """The resource `node` refers to: a contained one, else what `scope.resolve` finds.

    A logical reference that only says its type gives an empty node of it where nothing is resolved.
    """
    text = reference_text(node)
    if text is not None:
        if text[:1] == "#":
            return contained(scope, text[1:])
        found = (scope.resolve or resolve_by_reference)(text)
        if found is not None:
            return found
    if scope.resolve is None and type(node.value) is dict:
        declared = node.value.get("type")
        if isinstance(declared, str) and node.type_name == "Reference":
            return Node({}, declared)
    return None


def type_of_reference(node: Node, scope: Scope) -> str | None:
    """The type of what `resolve_node` finds, without making a node where the text says it."""
    if scope.resolve is None and type(node.value) is dict:
        text = node.value.get("reference")
        if type(text) is str:
            start, _, rest = text.partition("/")
            if rest and start.isalpha() and "/" not in rest:
                return start
    found = resolve_node(node, scope)
    return None if found is None else found.type_name


def contained(scope: Scope, id: str) -> Node | None:
    """The contained resource `id` of the resource at hand; "" is that resource itself."""
    if not id:
        return scope.root
    for container in (scope.resource, scope.root):
        for item in _contained_in(container.value):
            if isinstance(item, dict) and item.get("id") == id and isinstance(item.get("resourceType"), str):
                return Node(item, item["resourceType"])
    return None


def _contained_in(value: Any) -> list[Any]:
    found = value.get("contained") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []

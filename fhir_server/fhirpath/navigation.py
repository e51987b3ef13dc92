"""Walks from nodes to their children: routes known when compiled, or step by step by the type found.

A route is a list of JSON names whose types are all known beforehand, so that
`Patient.contact.name.family` costs three dictionary look-ups and one node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_server.fhirpath.values import SYSTEM_TYPES, Node

if TYPE_CHECKING:
    from fhir_server.fhirpath.model import Child, TypeModel
    from fhir_server.fhirpath.scope import Evaluator, Scope

MOST_ROUTES = 64
"""More than a choice of all types has; beyond, types are looked at in the data."""

_CHOICES_WORTH_A_TABLE = 4


class Route(NamedTuple):
    """JSON names from a node of known type down to nodes of `type_name`."""

    keys: tuple[str, ...]
    type_name: str
    is_primitive: bool


Routes = tuple[Route, ...]
Walk = Callable[[dict[str, Any]], list[Node]]


def extend(routes: Routes, member: str, model: TypeModel) -> Routes | None:
    """`routes` one member further; None where types must be looked at in the data."""
    extended = []
    for route in routes:
        if route.is_primitive:
            return None
        for child in model.children(route.type_name, member):
            if not child.type_name:
                return None
            extended.append(Route((*route.keys, child.key), child.type_name, child.is_primitive))
    return tuple(extended) if len(extended) <= MOST_ROUTES else None


def walk_routes(routes: Routes) -> Walk:
    """A function from one JSON object to the nodes at the end of `routes`."""
    walks = [_walk_one(route.keys, _collector(route)) for route in routes]
    if len(walks) == 1:
        return walks[0]
    if len(walks) > _CHOICES_WORTH_A_TABLE and len({route.keys[:-1] for route in routes}) == 1:
        return _walk_choice(routes)

    def walk(value: dict[str, Any]) -> list[Node]:
        found: list[Node] = []
        for one in walks:
            found += one(value)
        return found

    return walk


def _walk_choice(routes: Routes) -> Walk:
    """Routes to the many types of one choice: the names the data has are looked up, not all that it may have."""
    collectors = {route.keys[-1]: _collector(route) for route in routes}
    siblings = {f"_{route.keys[-1]}": route.keys[-1] for route in routes if route.is_primitive}

    def collect(holders: list[Any]) -> list[Node]:
        found: list[Node] = []
        for holder in holders:
            if type(holder) is dict:
                for key in holder:
                    if key in collectors:
                        found += collectors[key]([holder])
                    elif key in siblings and siblings[key] not in holder:
                        found += collectors[siblings[key]]([holder])
        return found

    return _walk_one(routes[0].keys, collect)


def _walk_one(keys: tuple[str, ...], collect: Callable[[list[Any]], list[Node]]) -> Walk:
    inner = keys[:-1]
    if not inner:

        def walk(value: dict[str, Any]) -> list[Node]:
            return collect([value])

        return walk
    first, *rest = inner

    def walk_far(value: dict[str, Any]) -> list[Node]:
        found = value.get(first)
        if found is None:
            return []
        level = found if type(found) is list else [found]
        for key in rest:
            below: list[Any] = []
            for item in level:
                if type(item) is dict and (found := item.get(key)) is not None:
                    if type(found) is list:
                        below += found
                    else:
                        below.append(found)
            if not below:
                return []
            level = below
        return collect(level)

    return walk_far


def _collector(route: Route) -> Callable[[list[Any]], list[Node]]:
    key, type_name, is_primitive = route.keys[-1], route.type_name, route.is_primitive
    if is_primitive:
        sibling_key = "_" + key

        def collect_primitives(holders: list[Any]) -> list[Node]:
            nodes: list[Node] = []
            for holder in holders:
                if type(holder) is dict:
                    value = holder.get(key)
                    if sibling_key in holder:
                        add_with_siblings(nodes, value, holder[sibling_key], type_name)
                    elif value is not None:
                        if type(value) is list:
                            nodes += [Node(item, type_name) for item in value if item is not None]
                        else:
                            nodes.append(Node(value, type_name))
            return nodes

        return collect_primitives

    def collect(holders: list[Any]) -> list[Node]:
        nodes: list[Node] = []
        for holder in holders:
            if type(holder) is dict and (value := holder.get(key)) is not None:
                if type(value) is list:
                    nodes += [Node(item, type_name) for item in value if item is not None]
                else:
                    nodes.append(Node(value, type_name))
        return nodes

    return collect


def add_with_siblings(nodes: list[Node], value: Any, sibling: Any, type_name: str) -> None:
    """Add primitives whose `_name` property holds their ids and extensions."""
    values = value if isinstance(value, list) else [value]
    siblings = sibling if isinstance(sibling, list) else [sibling]
    for place in range(max(len(values), len(siblings))):
        item = values[place] if place < len(values) else None
        extra = siblings[place] if place < len(siblings) else None
        extra = extra if isinstance(extra, dict) else None
        if item is not None or extra is not None:
            nodes.append(Node(item, type_name, extra))


def add_children(nodes: list[Node], holder: dict[str, Any], child: Child) -> None:
    """Add the nodes under one JSON name."""
    value = holder.get(child.key)
    if child.is_primitive:
        sibling = holder.get("_" + child.key)
        if sibling is not None:
            add_with_siblings(nodes, value, sibling, child.type_name)
            return
    if value is None:
        return
    values = value if isinstance(value, list) else (value,)
    nodes += [Node(item, child.type_name or resource_type_of(item)) for item in values if item is not None]


def resource_type_of(value: Any) -> str:
    """The type a resource says it is of."""
    name = value.get("resourceType") if isinstance(value, dict) else None
    return name if isinstance(name, str) else "Resource"


def holder_of(node: Node) -> dict[str, Any] | None:
    """The JSON object that holds the children of `node`: itself, or for a primitive its `_name` object."""
    if type(node.value) is dict:
        return node.value
    return node.sibling


def member_step(member: str, model: TypeModel) -> Evaluator:
    """`.member` on nodes of any types."""
    tables: dict[str, dict[str, Child]] = {}

    def step(nodes: list[Node], _scope: Scope) -> list[Node]:
        found: list[Node] = []
        for node in nodes:
            holder = holder_of(node)
            if holder is None:
                continue
            table = tables.get(node.type_name)
            if table is None:
                table = tables[node.type_name] = {child.key: child for child in model.children(node.type_name, member)}
            if len(table) <= _CHOICES_WORTH_A_TABLE:
                for child in table.values():
                    add_children(found, holder, child)
            else:
                for key in holder:
                    choice = table.get(key if key[0] != "_" else key[1:])
                    if choice is not None and (key[0] != "_" or key[1:] not in holder):
                        add_children(found, holder, choice)
        return found

    return step


def children_of(nodes: list[Node], model: TypeModel) -> list[Node]:
    """All direct children, in the order of the definitions."""
    found: list[Node] = []
    for node in nodes:
        holder = holder_of(node)
        if holder is not None:
            for child in model.all_children(node.type_name):
                add_children(found, holder, child)
    return found


def is_primitive_type(type_name: str) -> bool:
    """Whether values of the type are JSON scalars."""
    return type_name in SYSTEM_TYPES

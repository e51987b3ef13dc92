"""The parts a compiled expression is put together from.

A part that is only a path over known types stays data (`Piece.routes`) until something must run,
so that a longer path extends it instead of calling it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath import navigation
from fhir_server.fhirpath.equality import distinct
from fhir_server.fhirpath.scope import single

if TYPE_CHECKING:
    from fhir_server.fhirpath.navigation import Routes, Walk
    from fhir_server.fhirpath.scope import Evaluator, Scope
    from fhir_server.fhirpath.values import Node


class Piece:
    """A compiled part. With `routes` it is a path over known types, from `base` (None: from the focus)."""

    __slots__ = ("_run", "base", "is_unordered", "routes", "type_name", "walk")

    def __init__(
        self,
        run: Evaluator | None = None,
        *,
        base: Evaluator | None = None,
        routes: Routes | None = None,
        type_name: str | None = None,
        walk: Walk | None = None,
        is_unordered: bool = False,
    ) -> None:
        self.is_unordered = is_unordered
        self._run = run
        self.walk = walk
        self.base = base
        self.routes = routes
        if routes is not None:
            types = {route.type_name for route in routes}
            type_name = types.pop() if len(types) == 1 else None
        self.type_name = type_name

    def is_path(self) -> bool:
        """Whether this is nothing but members from the focus."""
        return self.routes is not None and self.base is None and all(route.keys for route in self.routes)

    @property
    def run(self) -> Evaluator:
        """The evaluator of this piece."""
        if self._run is None:
            self._run = _run_routes(self.base, self.routes or ())
        return self._run


def _run_routes(base: Evaluator | None, routes: Routes) -> Evaluator:
    if len(routes) == 1 and not routes[0].keys:
        return base or (lambda nodes, _scope: nodes)
    from_focus = over(navigation.walk_routes(routes))
    if base is None:
        return from_focus
    return lambda nodes, scope: from_focus(base(nodes, scope), scope)


def over(walk: Walk) -> Evaluator:
    """`walk` over all items."""

    def run(nodes: list[Node], _scope: Scope) -> list[Node]:
        if len(nodes) == 1:
            value = nodes[0].value
            return walk(value) if type(value) is dict else []
        found: list[Node] = []
        for node in nodes:
            if type(node.value) is dict:
                found += walk(node.value)
        return found

    return run


def distinct_walk(routes: Routes) -> Walk:
    """`routes` without what is equal to something before."""
    walk = navigation.walk_routes(routes)

    def run(value: dict[str, Any]) -> list[Node]:
        found = walk(value)
        return found if len(found) < 2 else distinct(found)  # noqa: PLR2004 (nothing to compare)

    return run


def nothing(_nodes: list[Node], _scope: Scope) -> list[Node]:
    """The empty collection."""
    return []


def keeping_variables(run: Evaluator) -> Evaluator:
    """`run`, after which the variables are what they were before."""

    def evaluate(nodes: list[Node], scope: Scope) -> list[Node]:
        outer = scope.variables
        found = run(nodes, scope)
        scope.variables = outer
        return found

    return evaluate


def at_most_one(run: Evaluator) -> Evaluator:
    """`run`, refusing several items: what `as` does outside search expressions."""

    def evaluate(nodes: list[Node], scope: Scope) -> list[Node]:
        found = run(nodes, scope)
        single(found, "as")
        return found

    return evaluate


NOTHING = Piece(nothing)
"""What the types rule out."""

"""From a criterion to the condition it makes: chains first, then the module of the parameter's type.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates import (
    composite,
    date,
    number,
    quantity,
    reference,
    special,
    string,
    token,
    uri,
)
from fhir_server.search.predicates.conditions import All
from fhir_server.search.predicates.driving import any_of
from fhir_server.search.query import AnyOne, Criterion, Every
from fhir_server.search.rewrites import chain, has, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.search.predicates.conditions import Condition
    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Link

CONDITIONS: Mapping[str, Callable[[Criterion, Scope], Condition]] = {
    "token": token.condition,
    "reference": reference.condition,
    "string": string.condition,
    "uri": uri.condition,
    "number": number.condition,
    "quantity": quantity.condition,
    "date": date.condition,
    "composite": composite.condition,
    "special": special.condition,
}
"""Who knows what a criterion on a parameter of this type asks."""


def condition_of(criterion: Criterion, scope: Scope) -> Condition:
    """Return what the criterion, or any of its alternatives, asks of a row."""
    alone = not criterion.alternatives
    return any_of([_behind(one.links, one, scope, alone=alone) for one in (criterion, *criterion.alternatives)])


def _behind(links: tuple[Link, ...], criterion: Criterion, scope: Scope, *, alone: bool) -> Condition:
    if links:
        first, *others = links
        inner = _behind(tuple(others), criterion, scope.on(first.resource_type), alone=True)
        if first.reverse:
            return has.condition(first, inner, scope)
        return chain.condition(first, inner, scope, alone=alone)
    if criterion.made_of is not None:
        return _of_tree(criterion.made_of, scope)
    if criterion.modifier == "missing":
        return missing.condition(criterion, scope)
    return CONDITIONS[criterion.parameter.type](criterion, scope)


def _of_tree(tree: Criterion | Every | AnyOne, scope: Scope) -> Condition:
    """Return what the criteria that make up a derived one ask of a row."""
    match tree:
        case Criterion():
            return condition_of(tree, scope)
        case Every(parts):
            return All(tuple(_of_tree(part, scope) for part in parts))
        case AnyOne(parts):
            return any_of([_of_tree(part, scope) for part in parts])

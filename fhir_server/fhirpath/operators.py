"""The operators, from evaluators of their operands to an evaluator.

http://hl7.org/fhirpath/N1/#operations
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fhir_server.fhirpath import arithmetic, equality
from fhir_server.fhirpath.scope import Evaluator, FhirPathEvaluationError, Scope, single, truth
from fhir_server.fhirpath.values import Node, boolean

Build = Callable[[Evaluator, Evaluator], Evaluator]


def _equals(left: Evaluator, right: Evaluator) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        answer = equality.equal(left(nodes, scope), right(nodes, scope))
        return [] if answer is None else boolean(answer)

    return run


def _differs(left: Evaluator, right: Evaluator) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        answer = equality.equal(left(nodes, scope), right(nodes, scope))
        return [] if answer is None else boolean(not answer)

    return run


def _equivalent(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda nodes, scope: boolean(equality.equivalent(left(nodes, scope), right(nodes, scope)))


def _not_equivalent(left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda nodes, scope: boolean(not equality.equivalent(left(nodes, scope), right(nodes, scope)))


def _ordered(decide: Callable[[int], bool]) -> Build:
    def build(left: Evaluator, right: Evaluator) -> Evaluator:
        def run(nodes: list[Node], scope: Scope) -> list[Node]:
            one = single(left(nodes, scope), "A comparison")
            other = single(right(nodes, scope), "A comparison")
            if one is None or other is None:
                return []
            order = equality.order(one, other)
            return [] if order is None else boolean(decide(order))

        return run

    return build


def _and(left: Evaluator, right: Evaluator) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        one = truth(left(nodes, scope), "and")
        if one is False:
            return boolean(False)  # noqa: FBT003
        other = truth(right(nodes, scope), "and")
        if other is False:
            return boolean(False)  # noqa: FBT003
        return [] if one is None or other is None else boolean(True)  # noqa: FBT003

    return run


def _or(left: Evaluator, right: Evaluator) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        one = truth(left(nodes, scope), "or")
        if one:
            return boolean(True)  # noqa: FBT003
        other = truth(right(nodes, scope), "or")
        if other:
            return boolean(True)  # noqa: FBT003
        return [] if one is None or other is None else boolean(False)  # noqa: FBT003

    return run


def _xor(left: Evaluator, right: Evaluator) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        one, other = truth(left(nodes, scope), "xor"), truth(right(nodes, scope), "xor")
        return [] if one is None or other is None else boolean(one is not other)

    return run


def _implies(left: Evaluator, right: Evaluator) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        one = truth(left(nodes, scope), "implies")
        if one is False:
            return boolean(True)  # noqa: FBT003
        other = truth(right(nodes, scope), "implies")
        if other:
            return boolean(True)  # noqa: FBT003
        return [] if one is None or other is None else boolean(False)  # noqa: FBT003

    return run


def _in(left: Evaluator, right: Evaluator) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        wanted = single(left(nodes, scope), "in")
        return [] if wanted is None else boolean(equality.contains_item(right(nodes, scope), wanted))

    return run


def _calculated(calculate: Callable[[Node, Node], list[Node]]) -> Build:
    def build(left: Evaluator, right: Evaluator) -> Evaluator:
        def run(nodes: list[Node], scope: Scope) -> list[Node]:
            one = single(left(nodes, scope), "Arithmetic")
            other = single(right(nodes, scope), "Arithmetic")
            if one is None or other is None or one.value is None or other.value is None:
                return []
            return calculate(one, other)

        return run

    return build


def _concatenated(left: Evaluator, right: Evaluator) -> Evaluator:
    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        one, other = single(left(nodes, scope), "&"), single(right(nodes, scope), "&")
        return arithmetic.concatenate(one, other)

    return run


def negative(operand: Evaluator) -> Evaluator:
    """`-operand`."""

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        node = single(operand(nodes, scope), "-")
        return [] if node is None else arithmetic.negate(node)

    return run


def positive(operand: Evaluator) -> Evaluator:
    """`+operand`: the number itself."""

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        node = single(operand(nodes, scope), "+")
        if node is not None:
            arithmetic.negate(node)
        return [] if node is None else [node]

    return run


def indexed(target: Evaluator, index: Evaluator) -> Evaluator:
    """`target[index]`."""

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        found = target(nodes, scope)
        place = single(index(nodes, scope), "An index")
        if place is None:
            return []
        if not isinstance(place.value, int) or isinstance(place.value, bool):
            raise FhirPathEvaluationError("An index must be an Integer")
        return found[place.value : place.value + 1] if place.value >= 0 else []

    return run


def united(parts: tuple[Evaluator, ...]) -> Evaluator:
    """`a | b | c`."""

    def run(nodes: list[Node], scope: Scope) -> list[Node]:
        found: list[Node] = []
        for part in parts:
            found += part(nodes, scope)
        return equality.distinct(found)

    return run


BINARY: Mapping[str, Build] = MappingProxyType(
    {
        "=": _equals,
        "!=": _differs,
        "~": _equivalent,
        "!~": _not_equivalent,
        "<": _ordered(lambda order: order < 0),
        "<=": _ordered(lambda order: order <= 0),
        ">": _ordered(lambda order: order > 0),
        ">=": _ordered(lambda order: order >= 0),
        "and": _and,
        "or": _or,
        "xor": _xor,
        "implies": _implies,
        "in": _in,
        "contains": lambda left, right: _in(right, left),
        "+": _calculated(arithmetic.add),
        "-": _calculated(arithmetic.subtract),
        "*": _calculated(arithmetic.multiply),
        "/": _calculated(arithmetic.divide),
        "div": _calculated(arithmetic.divide_whole),
        "mod": _calculated(arithmetic.remainder),
        "&": _concatenated,
    }
)

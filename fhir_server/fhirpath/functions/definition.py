"""How a function is described to the compiler: its arguments, and what it builds of them.

http://hl7.org/fhirpath/N1/#functions
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from fhir_server.fhirpath.model import TypeModel
from fhir_server.fhirpath.scope import Evaluator, FhirPathEvaluationError, Scope, single
from fhir_server.fhirpath.values import Node, SystemValue, node_of, system_value

Build = Callable[[tuple[Evaluator, ...], TypeModel], Evaluator]


class Function(NamedTuple):
    """`on_items`: arguments are evaluated on the items of the input, not on `$this` outside.
    `repeats`: those items may also be the function's own results, of other types.
    `keeps_type`: the result has the types of the input. `needs_text`: the input must be text.
    """

    build: Build
    fewest: int = 0
    most: int = 0
    on_items: bool = False
    keeps_type: bool = False
    repeats: bool = False
    needs_text: bool = False


def simple(call: Callable[[list[Node], Scope], list[Node]], *, keeps_type: bool = False) -> Function:
    """A function without arguments."""
    return Function(lambda _arguments, _model: call, keeps_type=keeps_type)


def eager(
    call: Callable[..., list[Node]], fewest: int, most: int | None = None, *, keeps_type: bool = False
) -> Function:
    """A function whose arguments are collections: `call(nodes, *collections)`."""

    def build(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
        def run(nodes: list[Node], scope: Scope) -> list[Node]:
            return call(nodes, *[argument(scope.this, scope) for argument in arguments])

        return run

    return Function(build, fewest, fewest if most is None else most, keeps_type=keeps_type)


def on_value(
    kind: type[Any] | tuple[type[Any], ...],
    call: Callable[..., SystemValue | list[Node] | None],
    fewest: int = 0,
    most: int | None = None,
) -> Function:
    """A function from one System value (and values as arguments) to one; empty in any place gives empty."""

    def build(arguments: tuple[Evaluator, ...], _model: TypeModel) -> Evaluator:
        def run(nodes: list[Node], scope: Scope) -> list[Node]:
            value = value_of(nodes, kind, "A function")
            values: list[Any] = []
            for argument in arguments:
                item = single(argument(scope.this, scope), "An argument")
                if item is None:
                    return []
                values.append(system_value(item))
            if value is None:
                return []
            result = call(value, *values)
            if isinstance(result, list):
                return result
            return [] if result is None else [node_of(result)]

        return run

    return Function(build, fewest, fewest if most is None else most, needs_text=kind is str)


def value_of(nodes: list[Node], kind: type[Any] | tuple[type[Any], ...], what: str) -> Any:
    """The System value of the single item, None for an empty collection, an error if it is of another kind."""
    node = single(nodes, what)
    if node is None:
        return None
    value = system_value(node)
    if value is None and node.value is None:
        return None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, ANY)):
        raise FhirPathEvaluationError(f"{what} does not apply to {node.type_name}")
    return value


NUMBER = (int, Decimal)
ANY = object

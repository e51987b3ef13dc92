"""Compiles FHIRPath to closures, once for each type of resource an expression meets.

Knowing the type makes most of a search expression a list of JSON names (`navigation.Route`),
and drops the parts of `Patient.x | Claim.y` that belong to other types.

http://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_server.fhirpath.expressions import ExpressionCompiler
from fhir_server.fhirpath.lexer import FhirPathSemanticError, FhirPathSyntaxError
from fhir_server.fhirpath.model import TypeModel
from fhir_server.fhirpath.navigation import Walk, resource_type_of, walk_routes
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.references import resolve_by_reference
from fhir_server.fhirpath.scope import NO_SERVICES, Evaluator, FhirPathEvaluationError, Resolve, Scope, Services
from fhir_server.fhirpath.values import Node, outward

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.fhirpath import ast
    from fhir_server.spec.packages import Definitions

__all__ = [
    "Expression",
    "FhirPathEvaluationError",
    "FhirPathSemanticError",
    "FhirPathSyntaxError",
    "Services",
    "compile_expression",
    "resolve_by_reference",
]


class _Program(NamedTuple):
    """An expression compiled for one type: `walk` alone where it is nothing but a path."""

    run: Evaluator
    walk: Walk | None


class Expression:
    """A compiled expression. Evaluating it changes nothing that could be seen."""

    __slots__ = ("_compiler", "_programs", "_tree", "text")

    def __init__(self, text: str, tree: ast.Expression, compiler: ExpressionCompiler) -> None:
        self.text = text
        self._tree = tree
        self._compiler = compiler
        self._programs: dict[str, _Program] = {}

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(
        self,
        resource: dict[str, Any],
        *,
        resolve: Resolve | None = None,
        variables: Mapping[str, Any] | None = None,
        services: Services = NO_SERVICES,
    ) -> list[Node]:
        """The nodes the expression finds in `resource`.

        `resolve` follows references (default: an empty node of the type the text names);
        `services` hand in the clock and what other floors know. Computed values carry FHIR type names (`boolean`, `date` …).
        """
        type_name = resource.get("resourceType", "Resource")
        program = self._programs.get(type_name) or self._program(type_name)
        if program.walk is not None:
            return program.walk(resource)
        node = Node(resource, type_name)
        scope = Scope(node, node, node, resolve, variables, services)
        return outward(program.run([node], scope))

    def nodes(self, resource: dict[str, Any]) -> list[Node]:
        """`evaluate` with nothing handed in."""
        return self.evaluate(resource)

    def evaluate_node(
        self,
        node: Node,
        *,
        resource: dict[str, Any] | None = None,
        root: dict[str, Any] | None = None,
        resolve: Resolve | None = None,
        variables: Mapping[str, Any] | None = None,
        services: Services = NO_SERVICES,
    ) -> list[Node]:
        """The nodes found from `node` on, an element of `resource` (itself perhaps contained in `root`)."""
        program = self._programs.get(node.type_name) or self._program(node.type_name)
        if program.walk is not None and type(node.value) is dict:
            return program.walk(node.value)
        holder = node if resource is None else Node(resource, resource_type_of(resource))
        top = holder if root is None else Node(root, resource_type_of(root))
        scope = Scope(node, holder, top, resolve, variables, services)
        return outward(program.run([node], scope))

    def _program(self, type_name: str) -> _Program:
        piece = self._compiler.compile(self._tree, self._compiler.known(type_name))
        walk = walk_routes(piece.routes) if piece.is_path() and piece.routes else piece.walk
        program = self._programs[type_name] = _Program(piece.run, walk)
        return program


def compile_expression(
    text: str, definitions: Definitions, *, strict_for: str | None = None, as_filters: bool = True
) -> Expression:
    """`text` ready to be evaluated; FhirPathSyntaxError names what is wrong with it.

    `strict_for` is the type it will start from: then FhirPathSemanticError tells what that type rules
    out. `as` keeps the items of its type, because R4's search expressions rely on it;
    with `as_filters=False` it refuses several items, as FHIRPath 2.0 says.
    """
    tree, model = parse(text), TypeModel(definitions)
    has_variables = "defineVariable" in text
    if strict_for is not None:
        ExpressionCompiler(model, is_strict=True, has_variables=has_variables).compile(tree, strict_for)
    compiler = ExpressionCompiler(model, has_variables=has_variables, as_filters=as_filters)
    compiler.compile(tree, None)
    return Expression(text, tree, compiler)

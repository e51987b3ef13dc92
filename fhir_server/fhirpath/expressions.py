"""Turns each kind of syntax node into a piece of program.

http://hl7.org/fhirpath/N1/#expressions
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_server.fhirpath import ast, navigation, operators
from fhir_server.fhirpath.externals import external
from fhir_server.fhirpath.functions.filtering import sorting
from fhir_server.fhirpath.functions.table import FUNCTIONS
from fhir_server.fhirpath.lexer import FhirPathSemanticError, FhirPathSyntaxError
from fhir_server.fhirpath.navigation import Route
from fhir_server.fhirpath.pieces import NOTHING, Piece, at_most_one, distinct_walk, keeping_variables, nothing, over
from fhir_server.fhirpath.quantities import Quantity
from fhir_server.fhirpath.scope import Evaluator, FhirPathEvaluationError, Scope, single
from fhir_server.fhirpath.shortcuts import quick_where
from fhir_server.fhirpath.temporal import parse_temporal
from fhir_server.fhirpath.values import SYSTEM_TYPES, Node, boolean

if TYPE_CHECKING:
    from fhir_server.fhirpath.model import TypeModel

_TYPE_FUNCTIONS = frozenset({"is", "as", "ofType"})
_NOTHING_OF_NOTHING = frozenset({"where", "select", "extension", "resolve", "first", "last", "tail", "single"})
"""Functions that need not run where the types leave no input: most parts of a search expression for many types."""
_NEED_ORDER = frozenset({"first", "last", "tail", "skip", "take"})
_SYSTEM_BY_MISTAKE = {"System.DateTime": "dateTime"}
"""R4's composite parameter of Observation writes `as(DateTime)` and means `dateTime`."""


class ExpressionCompiler:
    """Compiles trees against one type model. `focus` is the type of `$this` where it is known.

    `is_strict` refuses what can be known to find nothing: members a type does not have, functions
    of text on other types, taking the first of unordered items. `has_variables` says that
    `defineVariable()` occurs, whose variables end with the operand or argument they are in.
    """

    def __init__(
        self, model: TypeModel, *, is_strict: bool = False, has_variables: bool = False, as_filters: bool = True
    ) -> None:
        self._model = model
        self._is_strict = is_strict
        self._has_variables = has_variables
        self._as_filters = as_filters

    def _refuse_if_strict(self, what: str) -> None:
        if self._is_strict:
            raise FhirPathSemanticError(what)

    def known(self, type_name: str) -> str | None:
        """`type_name` if paths from it can be laid out beforehand."""
        if type_name in ("Resource", "DomainResource") or navigation.is_primitive_type(type_name):
            return None
        return type_name if self._model.qualified(type_name) or "." in type_name else None

    def compile(self, tree: ast.Expression, focus: str | None) -> Piece:
        """The program of `tree`."""
        match tree:
            case ast.Name(text):
                return self._name(text, focus)
            case ast.Invocation(target, step):
                return self._invocation(self.compile(target, focus), step, focus)
            case ast.Call():
                return self._call(Piece(lambda nodes, _scope: nodes, type_name=focus), tree, focus)
            case ast.Literal() | ast.QuantityLiteral() | ast.Empty():
                return Piece(_literal(tree))
            case ast.Special(name):
                return Piece(_special(name), type_name=focus if name == "$this" else None)
            case ast.External(name):
                return Piece(external(name))
            case ast.Indexer(target, index):
                piece = self.compile(target, focus)
                return Piece(operators.indexed(piece.run, self._part(index, focus)), type_name=piece.type_name)
            case ast.Union(parts):
                return self._union(parts, focus)
            case ast.TypeOperation(operator, operand, type_name):
                return self._type_operation(operator, self.compile(operand, focus), type_name)
            case ast.Polarity(sign, operand):
                build = operators.negative if sign == "-" else operators.positive
                return Piece(build(self._part(operand, focus)))
            case ast.Binary(operator, left, right):
                return Piece(operators.BINARY[operator](self._part(left, focus), self._part(right, focus)))

    def _part(self, tree: ast.Expression, focus: str | None) -> Evaluator:
        """An operand or argument: its own variables do not leave it."""
        run = self.compile(tree, focus).run
        return keeping_variables(run) if self._has_variables else run

    def _name(self, name: str, focus: str | None) -> Piece:
        """The first name of a path: the focus itself if it says its type, else a member of it."""
        if name[:1].isupper() and (wanted := self._model.qualified(name)):
            if focus is None:
                return Piece(lambda nodes, _scope: [node for node in nodes if self._model.is_a(node.type_name, wanted)])
            if self._model.is_a(focus, wanted):
                return Piece(routes=(Route((), focus, is_primitive=False),))
            self._refuse_if_strict(f"{focus} is no {wanted}")
            return NOTHING
        return self._member(Piece(lambda nodes, _scope: nodes, type_name=focus), name, from_focus=True)

    def _invocation(self, target: Piece, step: ast.Name | ast.Call | ast.Special, focus: str | None) -> Piece:
        match step:
            case ast.Name(text):
                return self._member(target, text)
            case ast.Call():
                return self._call(target, step, focus)
            case ast.Special(name):
                return Piece(_special(name))

    def _member(self, target: Piece, member: str, *, from_focus: bool = False) -> Piece:
        if target is NOTHING:
            return target
        base, routes = target.base, target.routes
        if routes is None and target.type_name is not None and self.known(target.type_name):
            base = None if from_focus else target.run
            routes = (Route((), target.type_name, is_primitive=False),)
        if routes is not None:
            extended = navigation.extend(routes, member, self._model)
            if extended:
                return Piece(base=base, routes=extended)
            if extended is not None:
                self._refuse_if_strict(f"There is no element {member[:60]} in {routes[0].type_name}")
                return NOTHING
        step, run = navigation.member_step(member, self._model), target.run
        return Piece(step if from_focus else lambda nodes, scope: step(run(nodes, scope), scope))

    def _union(self, parts: tuple[ast.Expression, ...], focus: str | None) -> Piece:
        pieces = [piece for part in parts if (piece := self.compile(part, focus)) is not NOTHING]
        if not pieces:
            return NOTHING
        types = {piece.type_name for piece in pieces}
        if self._has_variables:
            pieces = [Piece(keeping_variables(piece.run), type_name=piece.type_name) for piece in pieces]
        if all(piece.is_path() for piece in pieces):
            walk = distinct_walk(tuple(route for piece in pieces for route in piece.routes or ()))
            return Piece(over(walk), walk=walk, type_name=types.pop() if len(types) == 1 else None)
        run = operators.united(tuple(piece.run for piece in pieces))
        return Piece(run, type_name=types.pop() if len(types) == 1 else None)

    def _call(self, target: Piece, call: ast.Call, focus: str | None) -> Piece:
        if call.name in _TYPE_FUNCTIONS and len(call.arguments) == 1:
            return self._type_operation(call.name, target, _type_specifier(call.arguments[0]))
        if target is NOTHING and call.name in _NOTHING_OF_NOTHING:
            return target
        quick = quick_where(call, target.type_name, self._model)
        if quick is not None:
            inner_run = target.run
            return Piece(lambda nodes, scope: quick(inner_run(nodes, scope), scope), type_name=target.type_name)
        if call.name == "sort":
            return self._sort(target, call)
        function = FUNCTIONS.get(call.name)
        if function is None:
            raise FhirPathSyntaxError(f"There is no function {call.name[:60]}()")
        if not function.fewest <= len(call.arguments) <= function.most:
            raise FhirPathSyntaxError(f"{call.name}() does not take {len(call.arguments)} arguments")
        if function.needs_text and target.type_name and SYSTEM_TYPES.get(target.type_name) != "String":
            self._refuse_if_strict(f"{call.name}() does not apply to {target.type_name}")
        if call.name in _NEED_ORDER and target.is_unordered:
            self._refuse_if_strict(f"{call.name}() needs an order")
        inner = None if function.repeats else target.type_name if function.on_items else focus
        arguments = tuple(self._part(argument, inner) for argument in call.arguments)
        apply, run = function.build(arguments, self._model), target.run
        return Piece(
            lambda nodes, scope: apply(run(nodes, scope), scope),
            type_name=target.type_name if function.keeps_type else None,
            is_unordered=call.name in ("children", "descendants"),
        )

    def _sort(self, target: Piece, call: ast.Call) -> Piece:
        keys = []
        for argument in call.arguments:
            descends = isinstance(argument, ast.Polarity) and argument.operator == "-"
            key = argument.operand if isinstance(argument, ast.Polarity) else argument
            keys.append((self._part(key, target.type_name), descends))
        apply, run = sorting(tuple(keys)), target.run
        return Piece(lambda nodes, scope: apply(run(nodes, scope), scope), type_name=target.type_name)

    def _type_operation(self, operator: str, target: Piece, name: str) -> Piece:
        wanted = self._model.qualified(name)
        if wanted is None:
            raise FhirPathSyntaxError(f"There is no type {name[:60]}")
        if target is NOTHING:
            return target
        if operator == "as" and not self._as_filters:
            target = Piece(at_most_one(target.run), type_name=target.type_name)
        if operator != "is":
            wanted = _SYSTEM_BY_MISTAKE.get(wanted, wanted) if "." not in name else wanted
            if target.routes is not None and all(route.keys for route in target.routes):
                kept = tuple(route for route in target.routes if self._model.is_a(route.type_name, wanted))
                return Piece(base=target.base, routes=kept) if kept else NOTHING
        is_wanted = self._type_test(wanted)
        run = target.run
        if operator == "is":
            return Piece(_is(run, is_wanted))
        return Piece(lambda nodes, scope: [node for node in run(nodes, scope) if is_wanted(node.type_name)])

    def _type_test(self, wanted: str) -> _TypeTest:
        return _TypeTest(wanted, self._model)


class _TypeTest:
    """Whether a type is `wanted` or derived from it, remembered for each type met."""

    __slots__ = ("_answers", "_model", "_wanted")

    def __init__(self, wanted: str, model: TypeModel) -> None:
        self._wanted = wanted
        self._model = model
        self._answers: dict[str, bool] = {}

    def __call__(self, type_name: str) -> bool:
        answer = self._answers.get(type_name)
        if answer is None:
            answer = self._answers[type_name] = self._model.is_a(type_name, self._wanted)
        return answer


def _is(run: Evaluator, is_wanted: _TypeTest) -> Evaluator:
    def evaluate(nodes: list[Node], scope: Scope) -> list[Node]:
        node = single(run(nodes, scope), "is")
        return [] if node is None else boolean(is_wanted(node.type_name))

    return evaluate


def _type_specifier(argument: ast.Expression) -> str:
    match argument:
        case ast.Name(text):
            return text
        case ast.Invocation(ast.Name(namespace), ast.Name(text)):
            return f"{namespace}.{text}"
    raise FhirPathSyntaxError("A type function needs the name of a type")


def _literal(tree: ast.Literal | ast.QuantityLiteral | ast.Empty) -> Evaluator:
    if isinstance(tree, ast.Empty):
        return nothing
    if isinstance(tree, ast.QuantityLiteral):
        node = Node(Quantity(Decimal(tree.value), tree.unit, tree.is_calendar), "System.Quantity")
        return lambda _nodes, _scope: [node]
    kind = tree.type_name.removeprefix("System.")
    value = tree.value
    if kind in ("Date", "DateTime", "Time"):
        if parse_temporal(kind, str(value).rstrip("T")) is None:
            raise FhirPathSyntaxError(f"There is no {kind} {value}")
        value = str(value).rstrip("T")
    node = Node(value, tree.type_name)
    return lambda _nodes, _scope: [node]


def _special(name: str) -> Evaluator:
    if name == "$this":
        return lambda _nodes, scope: scope.this
    if name == "$total":
        return lambda _nodes, scope: scope.total or []
    return _index


def _index(_nodes: list[Node], scope: Scope) -> list[Node]:
    if scope.index is None:
        raise FhirPathEvaluationError("$index has a meaning only inside a function that iterates")
    return [Node(scope.index, "System.Integer")]

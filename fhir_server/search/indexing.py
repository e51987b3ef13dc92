"""Makes the index entries of a resource: evaluates every search parameter of its type, once per expression.

A plan is made for each resource type when the first one comes. Parts of expressions that several
parameters share (`Observation.code` of code, combo-code …) are evaluated once, and
`X.where(resolve() is Patient)` is evaluated as X with the references told apart by their text.
Nothing from `contained` is indexed, nothing of what other parameters make up (`derivation.py`; of a composite of
the whole resource only its presence), and the main date is in its columns alone.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.compiler import compile_expression
from fhir_server.fhirpath.values import Node
from fhir_server.search.columns import WITHOUT_ENTRIES
from fhir_server.search.derivation import Parts, typed_alike
from fhir_server.search.elements import RESOLVES_TO, selected_by
from fhir_server.search.hashing import identity
from fhir_server.search.types import composite, date, number, quantity, reference, special, string, token, uri
from fhir_server.search.types.entries import PRIMITIVES, Entries
from fhir_server.spec.search_expressions import union_parts
from fhir_server.store.versions import Indexed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fhir_server.search.parameters import SearchParameters
    from fhir_server.spec.definitions import SearchParameter
    from fhir_server.spec.packages import Definitions

Resource = dict[str, Any]

_FOUND: dict[str, Callable[[str, Any], Iterable[Any]]] = {
    "token": token.found,
    "string": string.found,
    "uri": uri.found,
    "number": number.found,
    "quantity": quantity.found,
    "date": date.found,
    "special": special.found,
}
_WRITE: dict[str, Callable[[Entries, str, Iterable[Any]], None]] = {
    "string": string.write,
    "uri": uri.write,
    "number": number.write,
    "quantity": quantity.write,
    "date": date.write,
    "special": special.write,
}
_DATE_TIME = re.compile(r"\bDateTime\b")
"""R4 misspells the type in `value.as(DateTime)` of code-value-date."""


@dataclass(frozen=True, slots=True)
class _Use:
    """What one parameter does with the values found: `target` keeps only references to that type."""

    code: str
    type: str
    target: str = ""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """One expression, evaluated once, and the parameters that use what it selects, by their type.

    `key` is the property of the resource without which it selects nothing, "" where that is not one name.
    The number beside each type is the bit that says it found something, 0 where nobody asks.
    """

    key: str
    nodes: Callable[[Resource], Sequence[Node]]
    uses: tuple[tuple[str, int, tuple[_Use, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Composites:
    """Composite parameters on the same elements: the distinct parts, and which of them each parameter is made of."""

    elements: Callable[[Resource], Sequence[Node]]
    parts: tuple[tuple[str, Callable[[Node, Resource], Sequence[Node]]], ...]
    uses: tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """All there is to do for a resource type; `patient` and `main_date` are parameter codes or "".

    `presences` are the composites made up by others, each present where for each of its numbers a bit of it was set.
    """

    steps: tuple[_Step, ...]
    composites: tuple[_Composites, ...]
    presences: tuple[tuple[str, tuple[int, ...]], ...]
    patient: str
    main_date: str


class Indexer:
    """Makes index entries; plans are kept by resource type."""

    def __init__(self, search_parameters: SearchParameters, definitions: Definitions) -> None:
        self._parameters = search_parameters
        self._definitions = definitions
        self._plans: dict[str, _Plan] = {}

    def index(self, resource: Resource, tenant_key: int, base_url: str = "") -> Indexed:
        """Return the entries of `resource`, which has its `id`."""
        resource_type = resource["resourceType"]
        plan = self._plans.get(resource_type)
        if plan is None:
            plan = self._plans[resource_type] = _Planner(self._parameters, self._definitions, resource_type).plan()
        entries = Entries(tenant_key, base_url)
        patients: list[str] = []
        seen = 0
        for step in plan.steps:
            if (not step.key or step.key in resource) and (nodes := step.nodes(resource)):
                seen |= _run(step, nodes, entries, plan.patient, patients)
        for code, needed in plan.presences:
            if all(seen & bits for bits in needed):
                entries.mark_present(code)
        for one in plan.composites:
            _run_composites(one, resource, entries)
        return _indexed(entries, resource, plan, patients)


def _run(step: _Step, nodes: Sequence[Node], entries: Entries, patient: str, patients: list[str]) -> int:
    seen = 0
    for kind, bit, uses in step.uses:
        found = _found(kind, nodes, entries.base_url)
        if not found:
            continue
        if bit and (kind != "token" or any(one.forms for one in found)):
            seen |= bit
        for use in uses:
            if kind == "reference":
                reference.write(entries, use.code, found, use.target)
                if use.code == patient:
                    patients += [text for one in found for text in one.texts]
            elif kind == "token":
                token.write(entries, use.code, found, bare=use.bare)
            else:
                _WRITE[kind](entries, use.code, found)
    return seen


def _found(kind: str, nodes: Sequence[Node], base_url: str) -> list[Any]:
    found: list[Any] = []
    for node in nodes:
        type_name, value = node.type_name, node.value
        if value is None:
            continue
        if type_name == "Extension":
            type_name, value = _extension_value(value)
        elif type_name.startswith("System."):
            type_name = _system_type(type_name)
        if kind == "reference":
            found += reference.found(type_name, value, base_url)
        else:
            found += _FOUND[kind](type_name, value)
    return found


def _system_type(name: str) -> str:
    plain = name.removeprefix("System.")
    return plain[0].lower() + plain[1:] if plain != "Quantity" else plain


def _extension_value(extension: dict[str, Any]) -> tuple[str, Any]:
    for name, value in extension.items():
        if name.startswith("value"):
            plain = name.removeprefix("value")
            primitive = plain[:1].lower() + plain[1:]
            return (primitive if primitive in PRIMITIVES else plain), value
    return "", None


def _run_composites(group: _Composites, resource: Resource, entries: Entries) -> None:
    for node in group.elements(resource):
        parts = [
            composite.part_entries(kind, _found(kind, select(node, resource), entries.base_url))
            for kind, select in group.parts
        ]
        for code, part_types, places in group.uses:
            composite.write(entries, code, part_types, [parts[place] for place in places])


def _indexed(entries: Entries, resource: Resource, plan: _Plan, patients: list[str]) -> Indexed:
    entries.hashes.add(identity(entries.tenant_key, f"{resource['resourceType']}/{resource['id']}"))
    dates = entries.values.pop(plan.main_date, ())
    return Indexed(
        tuple(sorted(entries.hashes)),
        entries.values,
        next((text[8:] for text in patients if text.startswith("Patient/") and text.count("/") == 1), None),
        min((low for low, _ in dates), default=None),
        max((high for _, high in dates), default=None),
    )


class _Planner:
    """Makes the plan of one resource type."""

    def __init__(self, parameters: SearchParameters, definitions: Definitions, resource_type: str) -> None:
        self._parameters = parameters
        self._definitions = definitions
        self._type = resource_type
        derived = parameters.derived(resource_type)
        self._derived = frozenset(derived)
        self._parts = {code: one for code, one in derived.items() if isinstance(one, Parts)}
        self._bits: dict[tuple[str, str], int] = {}

    def plan(self) -> _Plan:
        """Return the plan."""
        wanted = [p for p in self._parameters.of(self._type).values() if p.code not in WITHOUT_ENTRIES | self._derived]
        main_date, patient = self._parameters.main_date(self._type), self._parameters.patient(self._type)
        presences = tuple((code, self._needed(parts)) for code, parts in self._parts.items())
        return _Plan(
            self._steps([p for p in wanted if p.type != "composite"]),
            self._composites([p for p in wanted if p.type == "composite"]),
            presences,
            patient.code if patient else "",
            main_date.code if main_date else "",
        )

    def _needed(self, parts: Parts) -> tuple[int, ...]:
        """Return for each of a composite's parts the bits of the steps that find it, one of which must be set."""
        return tuple(
            sum(self._bits.setdefault((part, parameter.type), 1 << len(self._bits)) for part in sorted(selects))
            for parameter, selects in zip(parts.parameters, parts.selects, strict=True)
        )

    def _steps(self, parameters: Iterable[SearchParameter]) -> tuple[_Step, ...]:
        uses: dict[str, dict[str, list[_Use]]] = {}
        for parameter in parameters:
            bare = parameter.type == "token" and self._parameters.bare_tokens(self._type, parameter) is not None
            for part in union_parts(self._definitions.expression_for(parameter, self._type)):
                narrowed = RESOLVES_TO.fullmatch(part) if parameter.type == "reference" else None
                expression, target = (narrowed[1], narrowed[2]) if narrowed else (part, "")
                use = _Use(parameter.code, parameter.type, target, bare)
                uses.setdefault(expression, {}).setdefault(parameter.type, []).append(use)
        return tuple(
            _Step(
                self._key(expression),
                self._select(expression),
                tuple(
                    (kind, self._bits.get((typed_alike(expression), kind), 0), tuple(some))
                    for kind, some in by_type.items()
                ),
            )
            for expression, by_type in uses.items()
        )

    def _composites(self, parameters: Iterable[SearchParameter]) -> tuple[_Composites, ...]:
        by_context: dict[str, list[SearchParameter]] = {}
        for parameter in parameters:
            for context in union_parts(self._definitions.expression_for(parameter, self._type)):
                by_context.setdefault(context, []).append(parameter)
        return tuple(self._composites_on(context, some) for context, some in by_context.items())

    def _composites_on(self, context: str, parameters: Iterable[SearchParameter]) -> _Composites:
        places: dict[tuple[str, str], int] = {}
        uses = []
        for parameter in parameters:
            made_of = [(one.type, one.expression) for one in self._parameters.components(self._type, parameter)]
            numbers = tuple(places.setdefault(part, len(places)) for part in made_of)
            uses.append((parameter.code, tuple(kind for kind, _ in made_of), numbers))
        parts = tuple((kind, self._part(expression)) for kind, expression in places)
        return _Composites(self._select(context), parts, tuple(uses))

    def _key(self, expression: str) -> str:
        path = re.match(r"\(?\w+\.(\w+)", expression)
        if path is None or selected_by(expression, self._definitions) is None:
            return ""
        names = self._definitions.structure(self._type).json_names
        keys = [key for key, name in names.items() if name.element.name == path[1]]
        return keys[0] if len(keys) == 1 else ""

    def _select(self, expression: str) -> Callable[[Resource], Sequence[Node]]:
        if expression == self._type:
            return lambda resource: [Node(resource, expression)]
        return compile_expression(expression, self._definitions).nodes

    def _part(self, expression: str) -> Callable[[Node, Resource], Sequence[Node]]:
        compiled = compile_expression(_DATE_TIME.sub("dateTime", expression), self._definitions)
        return lambda node, resource: compiled.evaluate_node(node, resource=resource)

"""Which search parameters say nothing that others do not say already, so that nothing is indexed of them.

Derived from the expressions in the definitions, not listed:

    a union      each part of its expression is selected by another parameter of the same type:
                 `combo-code` of Observation = code | component-code, `phonetic` of Patient = name;
                 a composite whose contexts are each the only one of another composite with the same components:
                 `combo-code-value-quantity` = code-value-quantity | component-code-value-quantity
    the parts    a composite on the resource itself, whose components are parameters of the whole resource:
                 `code-value-quantity` = code and value-quantity. R4 pairs any value with any there.

References are never derived (chains and includes go by their own entries), nor is what has the main date in it.

https://hl7.org/fhir/R4/searchparameter.html and https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhir_server.search.elements import selected_by
from fhir_server.spec.search_expressions import union_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.parameters import SearchParameters
    from fhir_server.spec.definitions import SearchParameter

UNDERIVED = frozenset({"reference", "special"})
"""Types of parameters that always have entries of their own."""

_TYPED = re.compile(r"\((?P<a>[\w.]+) as (?P<b>\w+)\)|(?P<c>[\w.]+)\.(?:as|ofType)\((?P<d>\w+)\)")


@dataclass(frozen=True, slots=True)
class Union:
    """The parameter says what any one of these says."""

    parameters: tuple[SearchParameter, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """The composite says what all of these say of the whole resource.

    `selects` are for each of them the parts of its expression that the composite speaks of. Where it speaks not of
    all (`is_narrower`), a match must have the composite's own entry of presence as well.
    """

    parameters: tuple[SearchParameter, ...]
    selects: tuple[frozenset[str], ...]
    is_narrower: bool


Derived = Union | Parts


class Derivation:
    """The derived parameters of one resource type, by code."""

    def __init__(self, parameters: SearchParameters, resource_type: str) -> None:
        self._parameters = parameters
        self._type = resource_type
        main_date = parameters.main_date(resource_type)
        self._main_date = main_date.code if main_date else ""
        known = [p for p in parameters.of(resource_type).values() if p.type not in UNDERIVED]
        self._texts = {p.code: parameters.definitions.expression_for(p, resource_type) for p in known}
        self._selects = {code: frozenset(map(typed_alike, union_parts(text))) for code, text in self._texts.items()}
        self.found: dict[str, Derived] = {}
        for parameter in sorted(known, key=self._order):
            derived = self._parts(parameter) or self._union(parameter, known)
            if derived is not None:
                self.found[parameter.code] = derived

    def _order(self, parameter: SearchParameter) -> tuple[int, str]:
        return len(self._selects[parameter.code]), parameter.code

    def _union(self, parameter: SearchParameter, known: Iterable[SearchParameter]) -> Union | None:
        """Return the parameters that cover this one: smaller ones, or one that is the same and comes before it."""
        wanted = self._selects[parameter.code]
        if not wanted or parameter.code == self._main_date:
            return None
        others = [
            one
            for one in known
            if one.type == parameter.type
            and self._order(one) < self._order(parameter)
            and self._selects[one.code] <= wanted
            and one.code != self._main_date
            and self._is_like(one, parameter)
        ]
        chosen: list[SearchParameter] = []
        for one in sorted(others, key=lambda p: (-len(self._selects[p.code]), p.code)):
            covered = frozenset[str]().union(*(self._selects[c.code] for c in chosen))
            if not self._selects[one.code] <= covered:
                chosen.append(one)
        covered = frozenset[str]().union(*(self._selects[c.code] for c in chosen))
        return Union(tuple(sorted(chosen, key=lambda p: p.code))) if covered == wanted else None

    def _is_like(self, one: SearchParameter, other: SearchParameter) -> bool:
        if one.type != "composite":
            return True
        made_of, others = (self._parameters.components(self._type, p) for p in (one, other))
        return [(c.type, c.expression) for c in made_of] == [(c.type, c.expression) for c in others] and not any(
            c.type in UNDERIVED for c in made_of
        )

    def _parts(self, parameter: SearchParameter) -> Parts | None:
        """Return the parameters a composite on the resource itself is made of, where that says the same."""
        if parameter.type != "composite" or self._selects[parameter.code] != {self._type}:
            return None
        found: list[SearchParameter] = []
        selects: list[frozenset[str]] = []
        is_narrower = False
        for component in self._parameters.components(self._type, parameter):
            whole = self._parameters.get(self._type, component.code)
            if whole is None or whole.url != component.url or whole.type in UNDERIVED or whole.type == "composite":
                return None
            mine = frozenset(typed_alike(f"{self._type}.{part}") for part in union_parts(component.expression))
            theirs = self._selects[whole.code]
            if not mine or not mine <= theirs or (mine != theirs and not self._is_one_choice(whole.code)):
                return None
            found.append(whole)
            selects.append(mine)
            is_narrower = is_narrower or mine != theirs
        return Parts(tuple(found), tuple(selects), is_narrower)

    def _is_one_choice(self, code: str) -> bool:
        """Whether all parts select one element by its type, so that a resource has values of one of them alone."""
        matches = [_TYPED.match(part) for part in union_parts(self._texts[code])]
        elements = {match["a"] or match["c"] if match else "" for match in matches}
        if len(elements) != 1 or "" in elements:
            return False
        (element,) = elements
        selected = selected_by(element, self._parameters.definitions)
        return selected is not None and selected.is_single


def typed_alike(part: str) -> str:
    """Return a part of an expression with its type written one way: `Observation.value:Quantity`."""
    return _TYPED.sub(lambda m: f"{m['a'] or m['c']}:{_first_lower(m['b'] or m['d'])}", part.strip())


def _first_lower(name: str) -> str:
    """R4 misspells the type in `value.as(DateTime)`, and no two types differ in that letter's case alone."""
    return name[:1].lower() + name[1:]

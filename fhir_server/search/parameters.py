"""Which search parameters there are for each resource type, and what is known of them before any search.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_server.search.columns import MAIN_DATES, PATIENTS
from fhir_server.search.derivation import Derivation
from fhir_server.search.elements import NAMED_SYSTEMS, Selected, selected_by
from fhir_server.search.types.entries import PRIMITIVES
from fhir_server.spec.search_expressions import union_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.search.derivation import Derived
    from fhir_server.spec.definitions import SearchComponent, SearchParameter
    from fhir_server.spec.packages import Definitions

__all__ = ["MAIN_DATES", "SPECIAL_VALUES", "SearchParameters"]

SPECIAL_VALUES = ("http://terminology.hl7.org/CodeSystem/special-values", "http://hl7.org/fhir/special-values")
"""The system R4 gives to booleans, and the name it had before."""

_BARE = PRIMITIVES | {"ContactPoint"}
"""The types of elements that have no system of their own."""

_URLS = frozenset({"canonical", "uri"})
_CONDITIONS = re.compile(r"^[\w.]+\.exists\(\) and |!= false$")
_WHERE = re.compile(r"\.where\([^()]*\)")

_SWAPPED = ("DocumentReference", "relationship")
"""R4 exchanged the expressions of the two components of this one."""


class SearchParameters:
    """The search parameters of the definitions, by resource type and code."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.resource_types = frozenset(definitions.resource_types)
        self._targets: dict[tuple[str, str], tuple[str, ...]] = {}
        self._derived: dict[str, Mapping[str, Derived]] = {}
        self._bare: dict[tuple[str, str, str], frozenset[tuple[str, str]] | None] = {}
        self._boolean: dict[tuple[str, str, str], bool] = {}
        self._by_url = {parameter.url: parameter for parameter in definitions.search_parameters}
        self._by_type: dict[str, dict[str, SearchParameter]] = {name: {} for name in definitions.resource_types}
        for parameter in sorted(definitions.search_parameters, key=lambda p: p.url):
            if _is_searchable(parameter):
                for base in self._concrete(parameter.base):
                    self._by_type[base].setdefault(parameter.code, _corrected(parameter))

    def of(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """Return all parameters of a type by code, those of every resource (`_id`, `_tag` …) included."""
        return self._by_type.get(resource_type, {})

    def get(self, resource_type: str, code: str) -> SearchParameter | None:
        """Return one parameter, or None where the type has none of that code."""
        return self._by_type.get(resource_type, {}).get(code)

    def targets(self, parameter: SearchParameter, resource_type: str = "") -> tuple[str, ...]:
        """Return the resource types a reference parameter may point to; all of them where it says `Resource`.

        With the type it stands on they are narrowed to what the element there may point to: `patient` of
        Observation to Patient, though the parameter also says Group, for other types.
        """
        key = (resource_type, parameter.url)
        if key not in self._targets:
            self._targets[key] = self._narrowed(parameter, resource_type)
        return self._targets[key]

    def _narrowed(self, parameter: SearchParameter, resource_type: str) -> tuple[str, ...]:
        is_free = not parameter.targets or "Resource" in parameter.targets
        declared = [
            t for t in (self.definitions.resource_types if is_free else parameter.targets) if t in self._by_type
        ]
        expression = self.definitions.expression_for(parameter, resource_type) if resource_type else ""
        selected = [selected_by(part, self.definitions) for part in union_parts(expression)]
        if not selected or not all(one and one.targets for one in selected):
            return tuple(declared)
        possible = {target for one in selected if one for target in one.targets}
        return tuple(one for one in declared if one in possible) or tuple(declared)

    def components(self, resource_type: str, parameter: SearchParameter) -> tuple[SearchParameter, ...]:
        """Return the parameters a composite is made of, each with the expression of its part on the element."""
        return tuple(self._component(resource_type, parameter, c) for c in parameter.components)

    def _component(self, resource_type: str, parameter: SearchParameter, part: SearchComponent) -> SearchParameter:
        found = self._by_url.get(part.definition) or self.get(resource_type, part.definition)
        if found is None:
            raise LookupError(f"{parameter.code} of {resource_type} is made of {part.definition}, which is unknown")
        return replace(found, expression=part.expression)

    def is_canonical(self, resource_type: str, parameter: SearchParameter) -> bool:
        """Whether a reference parameter selects canonical urls alone, which name no instance."""
        parts = union_parts(self.definitions.expression_for(parameter, resource_type))
        selected = [selected_by(_WHERE.sub("", part), self.definitions) for part in parts]
        return all(one is not None and _URLS.issuperset(one.types) for one in selected)

    def derived(self, resource_type: str) -> Mapping[str, Derived]:
        """Return by their codes the parameters of a type that others make up; they have no values in the index."""
        if resource_type not in self._derived:
            self._derived[resource_type] = Derivation(self, resource_type).found
        return self._derived[resource_type]

    def main_date(self, resource_type: str) -> SearchParameter | None:
        """Return the date parameter whose bounds are the columns `date_low` and `date_high`."""
        found = self.get(resource_type, MAIN_DATES.get(resource_type, "date"))
        return found if found and found.type == "date" else None

    def patient(self, resource_type: str) -> SearchParameter | None:
        """Return the parameter that fills the column `patient`; None where a resource can have several."""
        return self.get(resource_type, PATIENTS[resource_type][0]) if resource_type in PATIENTS else None

    def bare_tokens(self, resource_type: str, parameter: SearchParameter) -> frozenset[tuple[str, str]] | None:
        """Return None where a token's elements can have systems, else the (system, code) pairs they imply.

        An element of type `code` implies the systems of its required binding, a `boolean` that of the special
        values; the index holds only the bare value, and the parser takes such a system away. A pair with the code
        "" stands for all codes of the system (`NAMED_SYSTEMS`).
        """
        parameter = self._by_url.get(parameter.url, parameter)  # A composite's part says it from the element on.
        key = (resource_type, parameter.code, parameter.expression)
        if key not in self._bare:
            parts = union_parts(self.definitions.expression_for(parameter, resource_type))
            self._bare[key] = self._implied_pairs(
                [selected_by(part, self.definitions) or _judged(part) for part in parts]
            )
        return self._bare[key]

    def is_boolean(self, resource_type: str, parameter: SearchParameter) -> bool:
        """Whether a token is true or false and nothing else."""
        key = (resource_type, parameter.code, parameter.expression)
        if key not in self._boolean:
            parts = union_parts(self.definitions.expression_for(parameter, resource_type))
            selected = [selected_by(part, self.definitions) or _judged(part) for part in parts]
            self._boolean[key] = bool(selected) and all(
                one is not None and one.types == ("boolean",) for one in selected
            )
        return self._boolean[key]

    def _implied_pairs(self, selected: list[Selected | None]) -> frozenset[tuple[str, str]] | None:
        pairs: set[tuple[str, str]] = set()
        for one in selected:
            if one is None or not one.types or not _BARE.issuperset(one.types):
                return None
            if one.value_set in NAMED_SYSTEMS:
                pairs.add((NAMED_SYSTEMS[one.value_set], ""))
            elif one.value_set:
                pairs |= self.definitions.value_set_codes(one.value_set) or frozenset()
            if "boolean" in one.types:
                pairs |= {(system, value) for system in SPECIAL_VALUES for value in ("true", "false")}
        return frozenset(pairs) if selected else None

    def _concrete(self, bases: tuple[str, ...]) -> tuple[str, ...]:
        if "Resource" in bases:
            return self.definitions.resource_types
        if "DomainResource" in bases:
            is_subtype = self.definitions.is_subtype
            return tuple(name for name in self.definitions.resource_types if is_subtype(name, "DomainResource"))
        return tuple(base for base in bases if base in self.resource_types)


def _judged(part: str) -> Selected | None:
    """Return what a part that is a condition selects: true or false; None for any other."""
    return Selected(("boolean",), is_single=True, value_set="") if _CONDITIONS.search(part) else None


def _is_searchable(parameter: SearchParameter) -> bool:
    """Whether there is something to evaluate, and it is no example (two of those come with R4's core package)."""
    return bool(parameter.expression) and not parameter.url.rpartition("/")[2].startswith("example")


def _corrected(parameter: SearchParameter) -> SearchParameter:
    if (parameter.base[0], parameter.code) != _SWAPPED:
        return parameter
    first, second = parameter.components
    swapped = replace(first, expression=second.expression), replace(second, expression=first.expression)
    return replace(parameter, components=swapped)

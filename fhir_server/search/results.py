"""The parameters that say how to answer, not what to find: `_sort`, `_count`, `_include` and their like.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fhir_server.kernel.errors import BadRequest, NotUnderstood
from fhir_server.search.names import known_parameter, refuse_canonical, suggestion
from fhir_server.search.query import Include, SortKey
from fhir_server.search.rewrites.derived import codes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_server.kernel.settings import Settings
    from fhir_server.search.parameters import SearchParameters

UNSUPPORTED = frozenset({"_contained", "_containedType", "_text", "_content", "_filter", "_query", "_list"})
"""What R4 names and this server does not do yet."""

UNSORTABLE = frozenset({"reference", "composite", "special"})
"""The types of parameters nothing can be sorted by: no ordered text or number of them is kept."""

_ITERATE = frozenset({"iterate", "recurse"})
_COUNT = re.compile(r"\d{1,9}")


@dataclass
class Controls:
    """Gathers the result parameters of one search on `resource_type`, one `among` those that are searched at once."""

    resource_type: str
    parameters: SearchParameters
    settings: Settings
    among: tuple[str, ...]
    sort: list[SortKey] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    count: int | None = None
    total: str = ""
    summary: str = ""
    elements: list[str] = field(default_factory=list)

    def read(self, name: str, value: str) -> str:
        """Take one parameter in and return its value as applied (a `_count` over the limit is lowered)."""
        code, _, modifier = name.partition(":")
        if modifier and (code not in {"_include", "_revinclude"} or modifier not in _ITERATE):
            raise NotUnderstood(
                f"{code} has no modifier :{modifier}{_include_hint(code)}", expression=self._place(name)
            )
        return CONTROLS[code](self, name, value)

    def _place(self, name: str) -> str:
        return f"{self.resource_type}?{name}"

    def _refusal(self, name: str, value: str, why: str) -> BadRequest:
        return BadRequest(f"{name}={value[:100]}: {why}", expression=self._place(name))

    def read_sort(self, name: str, value: str) -> str:
        """`_sort=status,-date`: all keys or, where one is not understood, none."""
        keys: list[SortKey] = []
        for key in value.split(","):
            code = key.removeprefix("-")
            if not code:
                raise self._refusal(name, value, "a sort key is empty")
            parameter = known_parameter(code, self.resource_type, self.parameters)
            if parameter.type in UNSORTABLE:
                raise NotUnderstood(
                    f"_sort={key}: {code} is a {parameter.type}, which cannot be sorted by",
                    expression=self._place(name),
                )
            if all(one.parameter.code != code for one in (*self.sort, *keys)):
                made_of = codes_of(parameter, self.resource_type, self.parameters)
                keys.append(SortKey(parameter, key.startswith("-"), made_of))
        self.sort += keys
        return value

    def read_count(self, name: str, value: str) -> str:
        """`_count=50`; 0 asks for the total alone."""
        if not _COUNT.fullmatch(value):
            raise self._refusal(name, value, "a count is a whole number, not negative")
        self._refuse_second(name, value, self.count is None)
        self.count = min(int(value), self.settings.max_count)
        return str(self.count)

    def read_total(self, name: str, value: str) -> str:
        """`_total=none`, `estimate` or `accurate`."""
        self._refuse_second(name, value, not self.total)
        self.total = self._one_of(name, value, ("none", "estimate", "accurate"))
        return value

    def read_summary(self, name: str, value: str) -> str:
        """`_summary=true`, `text`, `data`, `count` or `false`."""
        self._refuse_second(name, value, not self.summary)
        self.summary = self._one_of(name, value, ("true", "text", "data", "count", "false"))
        return value

    def read_elements(self, name: str, value: str) -> str:
        """`_elements=identifier,name`: elements of the searched type (or of one of them), by their names."""
        for element in value.split(","):
            if not any(element in self._elements_of(one) for one in self.among):
                hint = suggestion(element, self._elements_of(self.resource_type))
                raise self._refusal(
                    name, value, f"{self.resource_type} has no element {element or 'without a name'}{hint}"
                )
            self.elements.append(element)
        return value

    def _elements_of(self, resource_type: str) -> set[str]:
        structure = self.parameters.definitions.structure(resource_type)
        return {element.name for element in structure.elements} | set(structure.json_names)

    def read_include(self, name: str, value: str) -> str:
        """`_include=MedicationRequest:subject:Patient`, `Type:*`, `*`; with `:iterate` of any type."""
        iterate = ":" in name
        is_alone = self.among == (self.resource_type,)
        source, parts = self._include_parts(name, value, self.resource_type if is_alone and not iterate else "*")
        if not iterate and source not in {*self.among, "*"}:
            raise self._refusal(
                name, value, f"{source} is not searched here; _include:iterate follows what was included"
            )
        self._add_include(name, value, source, parts, reverse=False)
        return value

    def read_revinclude(self, name: str, value: str) -> str:
        """`_revinclude=Provenance:target`, `Type:*`, `*`."""
        source, parts = self._include_parts(name, value, "*")
        self._add_include(name, value, source, parts, reverse=True)
        return value

    def _include_parts(self, name: str, value: str, anything: str) -> tuple[str, list[str]]:
        if value == "*":
            return anything, ["*"]
        source, *parts = value.split(":")
        if len(parts) not in {1, 2} or not all((source, *parts)):
            raise self._refusal(name, value, "it is written Type:parameter, Type:parameter:Target, Type:* or *")
        self._refuse_unknown_type(name, value, source)
        return source, parts

    def _add_include(self, name: str, value: str, source: str, parts: list[str], *, reverse: bool) -> None:
        iterate, code, target = ":" in name, parts[0], parts[1] if parts[1:] else ""
        if target:
            self._refuse_unknown_type(name, value, target)
        if code == "*":
            self.includes.append(Include(source, None, target, reverse, iterate))
            return
        parameter = known_parameter(code, source, self.parameters)
        if parameter.type != "reference":
            raise self._refusal(name, value, f"{code} of {source} is a {parameter.type}; only references are included")
        refuse_canonical(parameter, source, self.parameters)
        targets = self.parameters.targets(parameter, source)
        if target and target not in targets:
            raise self._refusal(name, value, f"{code} of {source} never points to a {target}")
        if reverse and not iterate and not any(one in targets for one in self.among):
            raise self._refusal(name, value, f"{code} of {source} never points to a {self.resource_type}")
        include = Include(source, parameter, target, reverse, iterate)
        if include not in self.includes:
            self.includes.append(include)

    def _refuse_unknown_type(self, name: str, value: str, named: str) -> None:
        known = self.parameters.resource_types
        if named not in known:
            raise self._refusal(name, value, f"{named} is not a type of resource{suggestion(named, known)}")

    def _refuse_second(self, name: str, value: str, first: bool) -> None:  # noqa: FBT001 - reads as a condition
        if not first:
            raise self._refusal(name, value, "it is given twice")

    def _one_of(self, name: str, value: str, allowed: tuple[str, ...]) -> str:
        if value not in allowed:
            raise self._refusal(name, value, f"it takes {', '.join(allowed)}{suggestion(value, allowed)}")
        return value


CONTROLS: dict[str, Callable[[Controls, str, str], str]] = {
    "_sort": Controls.read_sort,
    "_count": Controls.read_count,
    "_total": Controls.read_total,
    "_summary": Controls.read_summary,
    "_elements": Controls.read_elements,
    "_include": Controls.read_include,
    "_revinclude": Controls.read_revinclude,
}
"""Who reads which result parameter."""


def _include_hint(code: str) -> str:
    return "; it takes :iterate" if code in {"_include", "_revinclude"} else ""

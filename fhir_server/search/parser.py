"""Reads the parameters of a search into a Query, or refuses them with the place and the reason.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fhir_server.kernel.errors import BadRequest, NotUnderstood, TooCostly
from fhir_server.search.names import Place, places, suggestion
from fhir_server.search.query import CompartmentLimit, Criterion, Query
from fhir_server.search.results import CONTROLS, UNSUPPORTED, Controls
from fhir_server.search.rewrites.derived import made_of
from fhir_server.search.types import composite, date, number, quantity, reference, special, string, token, uri
from fhir_server.search.types.escapes import split
from fhir_server.search.types.reading import Reading
from fhir_server.search.types.values import MissingValue

if TYPE_CHECKING:
    from fhir_server.kernel.settings import Settings
    from fhir_server.search.parameters import SearchParameters
    from fhir_server.search.types.values import Value
    from fhir_server.spec.packages import Definitions

Pairs = Sequence[tuple[str, str]]

PARSERS: dict[str, Callable[[Reading, str], Any]] = {
    "token": token.parse,
    "reference": reference.parse,
    "string": string.parse,
    "uri": uri.parse,
    "number": number.parse,
    "quantity": quantity.parse,
    "date": date.parse,
    "composite": composite.parse,
    "special": special.parse,
}
"""How a value is read, by the parameter's type."""

_UNSPEAKABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff]")
"""Control characters and lone surrogates: in no resource, and not in what the database compares."""

ELSEWHERE = frozenset({"_format", "_pretty"})
"""Parameters of the transport: read before a search is one."""


def parse_search(
    resource_type: str,
    pairs: Pairs,
    *,
    parameters: SearchParameters,
    definitions: Definitions,
    settings: Settings,
    lenient: bool,
    now: int,
    compartment: tuple[str, str] | None = None,
    base_url: str = "",
    among: Sequence[str] = (),
) -> Query:
    """Return the search that `pairs` of names and values (percent-decoded) ask of `resource_type`.

    `now` (microseconds since the epoch) is what `ap` measures dates from; `among` are all types that are searched
    at once, where they are several. What is not understood is
    refused (NotUnderstood), or under `lenient` left out and said in `warnings`; bad values are always refused.
    """
    if len(pairs) > settings.max_parameters:
        raise TooCostly(f"A search may have {settings.max_parameters} parameters; this one has {len(pairs)}")
    reader = _Reader(resource_type, parameters, settings, now, base_url, tuple(among) or (resource_type,))
    for name, value in pairs:
        try:
            reader.read(name, value)
        except NotUnderstood as refusal:
            if not lenient:
                raise
            reader.warnings.append(f"{refusal.diagnostics} (left out)")
            reader.left_out.append((name, value))
    limit = _compartment_limit(resource_type, compartment, parameters, definitions)
    return reader.query(limit)


def searched_types(pairs: Pairs, definitions: Definitions) -> tuple[str, ...]:
    """Return the types a system search looks through: those of `_type`, or all.

    A repeated `_type` is AND, as everywhere. Raises BadRequest where `_type` names something that is no type of
    resource, or several of them nothing in common.
    """
    searched = definitions.resource_types
    for value in [value for name, value in pairs if name == "_type" and value]:
        named = tuple(dict.fromkeys(value.split(",")))
        for name in named:
            _refuse_unknown_type(name, definitions.resource_types)
        common = tuple(name for name in named if name in searched)
        if not common:
            raise BadRequest(f"_type={value} leaves out every type the other _type names")
        searched = common
    return searched


@dataclass
class _Reader:
    """Gathers what the parameters of one search say."""

    resource_type: str
    parameters: SearchParameters
    settings: Settings
    now: int
    base_url: str
    among: tuple[str, ...]
    criteria: list[Criterion] = field(default_factory=list)
    applied: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.controls = Controls(self.resource_type, self.parameters, self.settings, self.among)

    def read(self, name: str, value: str) -> None:
        """Take one parameter in."""
        if name in ELSEWHERE:
            return
        self._refuse_unsupported(name)
        if _UNSPEAKABLE.search(name + value):
            raise BadRequest("A parameter holds a character no FHIR text may", expression=self.resource_type)
        if not value:
            raise NotUnderstood(f"{name} has no value", expression=f"{self.resource_type}?{name}")
        if name == "_type":
            self._check_type(value)
        elif name.partition(":")[0] in CONTROLS:
            value = self.controls.read(name, value)
        else:
            self.criteria.append(self._criterion(name, value))
        self.applied.append((name, value))

    def query(self, limit: CompartmentLimit | None) -> Query:
        """Return what was gathered."""
        return Query(
            self.resource_type,
            tuple(self.criteria),
            limit,
            sort=tuple(self.controls.sort),
            includes=tuple(self.controls.includes),
            count=self.settings.default_count if self.controls.count is None else self.controls.count,
            total=self.controls.total,
            summary=self.controls.summary,
            elements=tuple(dict.fromkeys(self.controls.elements)),
            applied=tuple(self.applied),
            warnings=tuple(self.warnings),
            left_out=tuple(self.left_out),
        )

    def _refuse_unsupported(self, name: str) -> None:
        code = name.partition(":")[0]
        if code in UNSUPPORTED:
            raise NotUnderstood(f"{code} is not supported yet", expression=f"{self.resource_type}?{name}")
        if not name:
            raise NotUnderstood("A parameter has no name", expression=self.resource_type)

    def _check_type(self, value: str) -> None:
        for one in value.split(","):
            _refuse_unknown_type(one, self.parameters.definitions.resource_types)
        if self.resource_type not in value.split(","):
            raise BadRequest(f"_type={value} leaves out {self.resource_type}, the type that is searched")

    def _criterion(self, name: str, value: str) -> Criterion:
        found = places(name, self.resource_type, self.parameters)
        criteria: list[Criterion] = []
        refusals: list[BadRequest] = []
        for place in found:
            try:
                values = self._values(place, name, value)
            except TooCostly:
                raise
            except BadRequest as refusal:
                refusals.append(refusal)
            else:
                criteria.append(self._criterion_at(place, values, (name, value)))
        if not criteria:
            raise refusals[0]
        first, *others = criteria
        return replace(first, alternatives=tuple(others))

    def _criterion_at(self, place: Place, values: tuple[Value, ...], text: tuple[str, str]) -> Criterion:
        plain = Criterion(place.parameter, place.resource_type, place.modifier, values, text=text)
        return replace(plain, links=place.links, made_of=made_of(plain, self.parameters))

    def _values(self, place: Place, name: str, text: str) -> tuple[Value, ...]:
        reading = Reading(
            self.parameters, place.parameter, place.resource_type, place.modifier, name, self.resource_type,
            self.now, self.base_url,
        )  # fmt: skip
        texts = split(text, ",")
        if len(texts) > self.settings.max_or_values:
            raise TooCostly(f"{name} may have {self.settings.max_or_values} values; it has {len(texts)}")
        if not all(texts):
            raise reading.refusal(text, r"one of its values is empty (a comma inside a value is written \,)")
        parse = _missing if place.modifier == "missing" else PARSERS[place.parameter.type]
        return tuple(dict.fromkeys(parse(reading, one) for one in texts))


def _missing(reading: Reading, text: str) -> MissingValue:
    if text not in {"true", "false"}:
        raise reading.refusal(text, ":missing takes true or false")
    return MissingValue(text == "true")


def _refuse_unknown_type(name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise BadRequest(f"_type: {name} is not a type of resource{suggestion(name, known)}")


def _compartment_limit(
    resource_type: str, compartment: tuple[str, str] | None, parameters: SearchParameters, definitions: Definitions
) -> CompartmentLimit | None:
    if compartment is None:
        return None
    code, instance = compartment
    codes = definitions.compartments[code].parameters.get(resource_type, ()) if code in definitions.compartments else ()
    found = (parameters.get(resource_type, one) for one in codes)
    linking = tuple(one for one in found if one is not None)
    return CompartmentLimit(code, instance, linking, is_self=resource_type == code)

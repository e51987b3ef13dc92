"""Reads the name of a search parameter: its code, its modifier, and the chains that lead to it.

`name:exact`, `subject:Patient.name`, `_has:Observation:patient:code`, and any nesting of these.

https://hl7.org/fhir/R4/search.html#chaining and #has
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from fhir_server.kernel.errors import BadRequest, NotUnderstood, TooCostly
from fhir_server.search.query import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhir_server.search.parameters import SearchParameters
    from fhir_server.spec.definitions import SearchParameter

MODIFIERS = {
    "token": ("missing", "not", "text", "of-type"),
    "reference": ("missing", "identifier"),
    "string": ("missing", "exact", "contains"),
    "uri": ("missing", "below", "above"),
}
"""The modifiers of each type; the other types have `missing` alone. A reference also takes the types it may point to."""

LATER = {"token": ("above", "below", "in", "not-in"), "reference": ("above", "below")}
"""Modifiers R4 has that need terminology or hierarchies this server does not have yet."""

RESULT_PARAMETERS = ("_sort", "_count", "_total", "_summary", "_elements", "_include", "_revinclude")
"""The parameters `search.results` reads, here to be suggested."""

_COLUMN_MODIFIERS = {"_id": ("missing", "not"), "_lastUpdated": ("missing",)}
MAX_CHAIN = 8
"""The most steps of a chain."""

MAX_ALTERNATIVES = 12
"""The most types a chain that names none may spread over."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a name leads to: `parameter` with `modifier` on `resource_type`, behind `links`."""

    links: tuple[Link, ...]
    parameter: SearchParameter
    modifier: str
    resource_type: str


def places(name: str, resource_type: str, parameters: SearchParameters) -> list[Place]:
    """Return where `name` leads from `resource_type`: several places where a chain fits several types.

    Raises NotUnderstood for an unknown parameter or modifier, BadRequest for a chain that cannot be.
    """
    found = _places(name, resource_type, (), parameters)
    if len(found) > MAX_ALTERNATIVES:
        types = _some(sorted({link.resource_type for place in found for link in place.links}))
        raise BadRequest(f"{name} fits too many types of resource ({types}); name one, as in subject:Patient.name")
    return found


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean a or b?`, or "" where nothing comes close."""
    by_lower = {one.lower(): one for one in known}
    close = get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(by_lower[one] for one in close)}?" if close else ""


def known_parameter(code: str, resource_type: str, parameters: SearchParameters) -> SearchParameter:
    """Return the parameter, or refuse with what comes close."""
    found = parameters.get(resource_type, code)
    if found is None:
        more = RESULT_PARAMETERS if code.startswith("_") else ()
        hint = suggestion(code, (*parameters.of(resource_type), *more))
        raise NotUnderstood(
            f"{resource_type} has no search parameter {code}{hint}", expression=f"{resource_type}?{code}"
        )
    return found


def _places(name: str, resource_type: str, links: tuple[Link, ...], parameters: SearchParameters) -> list[Place]:
    if len(links) > MAX_CHAIN:
        raise TooCostly(f"A chain may have {MAX_CHAIN} steps")
    if name.startswith("_has:") or name == "_has":
        return _behind_has(name, resource_type, links, parameters)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    parameter = known_parameter(code, resource_type, parameters)
    if dot:
        return _behind_reference(Place(links, parameter, modifier, resource_type), rest, parameters)
    _refuse_modifier(parameter, modifier, resource_type, parameters)
    return [Place(links, parameter, modifier, resource_type)]


def _behind_has(name: str, resource_type: str, links: tuple[Link, ...], parameters: SearchParameters) -> list[Place]:
    steps = name.split(":", 3)
    if len(steps) != len(("_has", "type", "reference", "name")) or not all(steps):
        raise BadRequest(
            f"{name} is malformed; it is written _has:Observation:patient:code", expression=f"{resource_type}?{name}"
        )
    _, source, code, rest = steps
    _refuse_unknown_type(source, parameters)
    parameter = known_parameter(code, source, parameters)
    _refuse_unless_reference(parameter, source, parameters)
    if resource_type not in parameters.targets(parameter, source):
        raise BadRequest(f"{code} of {source} never points to a {resource_type}", expression=f"{resource_type}?{name}")
    return _places(rest, source, (*links, Link(parameter, source, reverse=True)), parameters)


def _behind_reference(here: Place, rest: str, parameters: SearchParameters) -> list[Place]:
    """Follow the reference parameter of `here` (its modifier names the type) to what `rest` says."""
    parameter, named = here.parameter, here.modifier
    _refuse_unless_reference(parameter, here.resource_type, parameters)
    targets = parameters.targets(parameter, here.resource_type)
    if named:
        _refuse_unknown_type(named, parameters)
        if named not in targets:
            raise BadRequest(f"{parameter.code} of {here.resource_type} points to {_some(targets)}, never to {named}")
        return _places(rest, named, (*here.links, Link(parameter, named)), parameters)
    found: list[Place] = []
    refusals: list[BadRequest] = []
    for target in targets:
        try:
            found += _places(rest, target, (*here.links, Link(parameter, target)), parameters)
        except TooCostly:
            raise
        except BadRequest as refusal:
            refusals.append(refusal)
    if not found:
        raise refusals[0] if len(targets) == 1 else _fits_nothing(parameter, rest, targets)
    return found


def _fits_nothing(parameter: SearchParameter, rest: str, targets: Sequence[str]) -> NotUnderstood:
    return NotUnderstood(f"Nothing that {parameter.code} points to ({_some(targets)}) can be searched by {rest}")


def _refuse_unknown_type(name: str, parameters: SearchParameters) -> None:
    if name not in parameters.resource_types:
        raise BadRequest(f"{name} is not a type of resource{suggestion(name, parameters.resource_types)}")


def _refuse_unless_reference(parameter: SearchParameter, resource_type: str, parameters: SearchParameters) -> None:
    if parameter.type != "reference":
        raise BadRequest(f"{parameter.code} of {resource_type} is a {parameter.type}; only a reference can be chained")
    refuse_canonical(parameter, resource_type, parameters)


def refuse_canonical(parameter: SearchParameter, resource_type: str, parameters: SearchParameters) -> None:
    """Refuse to follow a parameter that holds canonical urls, rather than to find nothing by it."""
    if parameters.is_canonical(resource_type, parameter):
        raise NotUnderstood(
            f"{parameter.code} of {resource_type} holds canonical urls; chains and includes do not follow those yet."
            f" Search by the url itself: {parameter.code}=http://…",
            expression=f"{resource_type}?{parameter.code}",
        )


def _refuse_modifier(
    parameter: SearchParameter, modifier: str, resource_type: str, parameters: SearchParameters
) -> None:
    if not modifier:
        return
    allowed = _COLUMN_MODIFIERS.get(parameter.code) or MODIFIERS.get(parameter.type, ("missing",))
    targets = parameters.targets(parameter, resource_type) if parameter.type == "reference" else ()
    if modifier in allowed or modifier in targets:
        return
    place = f"{resource_type}?{parameter.code}:{modifier}"
    if modifier in LATER.get(parameter.type, ()):
        raise NotUnderstood(f"The modifier :{modifier} on {parameter.code} is not supported yet", expression=place)
    listed = ", ".join(f":{one}" for one in allowed) + (f", or a type: {_some(targets)}" if targets else "")
    hint = suggestion(modifier, (*allowed, *targets))
    raise NotUnderstood(
        f"{parameter.code} of {resource_type} is a {parameter.type} and has no modifier :{modifier}; it takes {listed}{hint}",
        expression=place,
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MAX_ALTERNATIVES])
    return f"{shown} …" if len(names) > MAX_ALTERNATIVES else shown

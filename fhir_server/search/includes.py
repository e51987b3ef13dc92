"""`_include` and `_revinclude`: what is sent along with the matches, and what to look for to find it.

`_include` reads the references of the resources at hand; `_revinclude` asks for the entries that point to them.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_server.fhirpath.compiler import compile_expression
from fhir_server.search.hashing import reference_entry
from fhir_server.spec.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fhir_server.fhirpath.compiler import Expression
    from fhir_server.search.parameters import SearchParameters
    from fhir_server.search.query import Include
    from fhir_server.spec.definitions import SearchParameter
    from fhir_server.spec.packages import Definitions

Key = tuple[str, str]
"""A resource's type and id."""


def references_from(
    bodies: Mapping[Key, bytes], includes: Sequence[Include], parameters: SearchParameters, base_url: str
) -> list[Key]:
    """Return what the forward `includes` lead to from the resources at hand, each once, in their order."""
    found: dict[Key, None] = {}
    forward = [include for include in includes if not include.reverse]
    for (resource_type, _), body in bodies.items() if forward else ():
        applying = [include for include in forward if include.source in {resource_type, "*"}]
        if applying:
            resource = msgspec.json.decode(body)
            for include in applying:
                found.update(dict.fromkeys(_targets(resource, resource_type, include, parameters, base_url)))
    return list(found)


def entries_pointing_to(
    keys: Iterable[Key], includes: Sequence[Include], parameters: SearchParameters, tenant_key: int
) -> Mapping[str, set[int]]:
    """Return, by the type that points, the hashes of the entries the reverse `includes` look for."""
    wanted: dict[str, set[int]] = defaultdict(set)
    at_hand = list(keys)
    for include in includes:
        if include.reverse:
            for source, parameter in _reverse_parameters(include, parameters):
                targets = {include.target} if include.target else set(parameters.targets(parameter))
                wanted[source].update(
                    reference_entry(tenant_key, parameter.code, f"{resource_type}/{id_}")
                    for resource_type, id_ in at_hand
                    if resource_type in targets
                )
    return {source: hashes for source, hashes in wanted.items() if hashes}


def _targets(
    resource: dict[str, Any], resource_type: str, include: Include, parameters: SearchParameters, base_url: str
) -> Iterator[Key]:
    for parameter in [include.parameter] if include.parameter else _references_of(resource_type, parameters):
        for text in _reference_texts(resource, resource_type, parameter, parameters.definitions):
            reference = parse_reference(text, base_url)
            if reference.kind == "local" and include.target in {"", reference.resource_type}:
                yield reference.resource_type, reference.id


def _reference_texts(
    resource: dict[str, Any], resource_type: str, parameter: SearchParameter, definitions: Definitions
) -> Iterator[str]:
    expression = _compiled(definitions.expression_for(parameter, resource_type), definitions)
    for node in expression.nodes(resource):
        text = node.value.get("reference") if isinstance(node.value, Mapping) else node.value
        if isinstance(text, str):
            yield text


def _reverse_parameters(include: Include, parameters: SearchParameters) -> Iterator[tuple[str, SearchParameter]]:
    if include.parameter is not None:
        yield include.source, include.parameter
        return
    for source in parameters.definitions.resource_types if include.source == "*" else (include.source,):
        for parameter in _references_of(source, parameters):
            yield source, parameter


def _references_of(resource_type: str, parameters: SearchParameters) -> list[SearchParameter]:
    return [parameter for parameter in parameters.of(resource_type).values() if parameter.type == "reference"]


@lru_cache(maxsize=2048)
def _compiled(expression: str, definitions: Definitions) -> Expression:
    return compile_expression(expression, definitions)

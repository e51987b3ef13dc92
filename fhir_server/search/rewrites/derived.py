"""Criteria on derived parameters (`search/derivation.py`), said in the parameters that have entries.

    combo-code=x                 code=x, or component-code=x
    combo-code:not=x             code:not=x and component-code:not=x
    combo-code:missing=true      both missing; false: one is not
    code-value-quantity=x$5      code=x and value-quantity=5
    … =x$5,y$6                   code=x,y and (code=x and value-quantity=5, or code=y and value-quantity=6)

https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_server.search.derivation import Parts, Union
from fhir_server.search.predicates.binds import padded
from fhir_server.search.query import AnyOne, Criterion, Every
from fhir_server.search.types.values import CompositeValue, MissingValue, TokenValue

if TYPE_CHECKING:
    from fhir_server.search.parameters import SearchParameters
    from fhir_server.search.types.values import Value
    from fhir_server.spec.definitions import SearchParameter

Tree = Every | AnyOne


def made_of(criterion: Criterion, parameters: SearchParameters) -> Tree | None:
    """Return what a criterion (its links aside) is made of, None where its parameter has entries of its own."""
    match parameters.derived(criterion.resource_type).get(criterion.parameter.code):
        case Union(others):
            return _of_union(criterion, others, parameters)
        case Parts() as parts if criterion.modifier != "missing":
            return _of_parts(criterion, parts, parameters)
        case _:
            return None


def codes_of(parameter: SearchParameter, resource_type: str, parameters: SearchParameters) -> tuple[str, ...]:
    """Return the codes of the parameters that have the entries of this one, itself where it is not derived."""
    match parameters.derived(resource_type).get(parameter.code):
        case Union(others):
            return tuple(dict.fromkeys(c for one in others for c in codes_of(one, resource_type, parameters)))
        case _:
            return (parameter.code,)


def _of_union(criterion: Criterion, others: tuple[SearchParameter, ...], parameters: SearchParameters) -> Tree:
    if criterion.modifier != "missing":
        parts = tuple(_on(one, criterion, criterion.values, parameters) for one in others)
        return Every(parts) if criterion.modifier == "not" else AnyOne(parts)
    ways: list[Tree] = []
    for value in criterion.values:
        parts = tuple(_on(one, criterion, (value,), parameters) for one in others)
        ways.append(Every(parts) if isinstance(value, MissingValue) and value.missing else AnyOne(parts))
    return AnyOne(tuple(ways))


def _of_parts(criterion: Criterion, parts: Parts, parameters: SearchParameters) -> Tree:
    values = [value for value in criterion.values if isinstance(value, CompositeValue)]
    ways = [
        Every(
            tuple(
                _on(one, criterion, (part,), parameters)
                for one, part in zip(parts.parameters, value.parts, strict=True)
            )
        )
        for value in padded(sorted(values, key=_shape))
    ]
    more: list[Criterion | AnyOne] = []
    if len(ways) > 1:
        more += [
            _on(one, criterion, tuple(dict.fromkeys(value.parts[n] for value in values)), parameters)
            for n, one in enumerate(parts.parameters)
            if one.type == "token"
        ]
    if parts.is_narrower:
        more.append(replace(criterion, modifier="missing", values=(MissingValue(missing=False),)))
    return Every((*(ways[0].parts if len(ways) == 1 else (AnyOne(tuple(ways)),)), *more))


def _on(
    parameter: SearchParameter, criterion: Criterion, values: tuple[Value, ...], parameters: SearchParameters
) -> Criterion:
    """Return a criterion on a parameter that another is made of, in the form its entries have."""
    modifier = "" if criterion.parameter.type == "composite" != parameter.type else criterion.modifier
    if parameters.bare_tokens(criterion.resource_type, parameter) is not None:
        values = tuple(dict.fromkeys(_bare(value) for value in values))
    part = Criterion(parameter, criterion.resource_type, modifier, values, text=criterion.text)
    return replace(part, made_of=made_of(part, parameters))


def _bare(value: Value) -> Value:
    """Return `|code` as `code`: where no element can have a system, the index does not say that it has none."""
    return replace(value, system=None) if isinstance(value, TokenValue) and value.system == "" else value


def _shape(value: CompositeValue) -> str:
    """Return what puts values of like SQL beside each other."""
    return repr([(type(part).__name__, getattr(part, "prefix", "")) for part in value.parts])

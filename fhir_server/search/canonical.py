"""Makes equal criteria equal text: whatever the order, the encoding, the spelling of `eq` or the repetitions.

Conditional interactions lock on it, so that two of them with the same meaning never run side by side.

https://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from fhir_server.search.types.values import CompositeValue, DateValue, StringValue

if TYPE_CHECKING:
    from fhir_server.search.query import CompartmentLimit, Criterion, Link, Query

Form = list["Form | str | int | float | bool | None"]


def canonical_key(query: Query) -> str:
    """Return a text that is equal for two queries exactly where their criteria are."""
    criteria = sorted({_text(_criterion(criterion)) for criterion in query.criteria})
    return _text([query.resource_type, _compartment(query.compartment), list(criteria)])


def _text(form: Form) -> str:
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))


def _criterion(criterion: Criterion) -> Form:
    first = _alone(criterion)
    if not criterion.alternatives:
        return first
    return ["or", *sorted({_text(first), *(_text(_alone(one)) for one in criterion.alternatives)})]


def _alone(criterion: Criterion) -> Form:
    exact = criterion.modifier == "exact"
    values = sorted({_text(_value(value, exact=exact)) for value in criterion.values})
    links: Form = [_link(link) for link in criterion.links]
    return [links, criterion.resource_type, criterion.parameter.code, criterion.modifier, list(values)]


def _link(link: Link) -> Form:
    return [link.parameter.code, link.resource_type, link.reverse]


def _compartment(limit: CompartmentLimit | None) -> Form | None:
    return None if limit is None else [limit.code, limit.id]


def _value(value: object, *, exact: bool = False) -> Form:
    match value:
        case StringValue(text, folded):
            return [text if exact else folded]
        case DateValue("ap", _, _, text):  # its range moves with the clock
            return ["ap", text]
        case DateValue(prefix, low, high):
            return [prefix, low, high]
        case CompositeValue(parts):
            return [_value(part) for part in parts]
        case _ if is_dataclass(value):
            return [str(type(value).__name__), *(_plain(getattr(value, one.name)) for one in fields(value))]
        case _:
            raise TypeError(type(value).__name__)


def _plain(value: object) -> Form | str | float | bool | None:
    if isinstance(value, tuple):
        return list(value)
    if value is None or isinstance(value, str | float | bool):
        return value
    raise TypeError(type(value).__name__)

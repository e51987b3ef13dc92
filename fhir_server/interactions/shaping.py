"""`_summary` and `_elements`: a part of a resource instead of the whole.

https://hl7.org/fhir/R4/search.html#summary and #elements
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.kernel.errors import BadRequest
from fhir_server.spec import json_format
from fhir_server.spec.summary import select_elements, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Resource

MODES = frozenset({"true", "text", "data", "count", "false"})


def shaped(
    body: bytes, parameters: Iterable[tuple[str, str]], context: Context
) -> tuple[bytes | None, Resource | None]:
    """Return (body, None) where the whole is asked for, else (None, the part that is).

    Raises BadRequest for an unknown `_summary`, for `_summary=count` (a search's), and for both at once.
    """
    asked = dict(parameters)
    mode, elements = asked.get("_summary", "false"), asked.get("_elements")
    if mode not in MODES:
        raise BadRequest(f"_summary={mode} is not known; use true, text, data or false")
    if mode == "count":
        raise BadRequest("_summary=count is for searches")
    if mode != "false" and elements is not None:
        raise BadRequest("_summary and _elements exclude each other; send one of them")
    if mode == "false" and not elements:
        return body, None
    resource = json_format.decode_stored(body)
    if elements:
        names = tuple(n.strip() for n in elements.split(",") if n.strip())
        return None, select_elements(resource, names, context.parts.definitions)
    return None, summarise(resource, mode, context.parts.definitions)

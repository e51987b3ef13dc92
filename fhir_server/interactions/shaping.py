"""`_summary` and `_elements`: a part of a resource instead of the whole.

https://hl7.org/fhir/R4/search.html#summary and #elements
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fhir_server.kernel.errors import BadRequest
from fhir_server.spec import json_format
from fhir_server.spec.summary import select_elements, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Reply, Resource

MODES = frozenset({"true", "text", "data", "count", "false"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The part that is asked for: a `_summary` mode, or the names of `_elements`."""

    mode: str = "false"
    elements: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.mode == "false" and not self.elements

    def of(self, body: bytes, context: Context) -> Resource:
        """Return the part of the resource in `body`, marked as one."""
        resource = json_format.decode_stored(body)
        if self.elements:
            return select_elements(resource, self.elements, context.parts.definitions)
        return summarise(resource, self.mode, context.parts.definitions)


WHOLE = Shape()


def shape_asked(parameters: Iterable[tuple[str, str]], *, counts: bool = False) -> Shape:
    """Return the shape that `_summary` and `_elements` ask for.

    Raises BadRequest for an unknown `_summary`, for `_summary=count` where nothing is counted, and for both at once.
    """
    asked = dict(parameters)
    mode, elements = asked.get("_summary", "false"), asked.get("_elements", "")
    if mode not in MODES:
        raise BadRequest(f"_summary={mode[:40]} is not known; use true, text, data or false")
    if mode == "count" and not counts:
        raise BadRequest("_summary=count is for searches and histories")
    if mode != "false" and "_elements" in asked:
        raise BadRequest("_summary and _elements exclude each other; send one of them")
    return Shape(mode, tuple(n.strip() for n in elements.split(",") if n.strip()))


def shaped(
    body: bytes, parameters: Iterable[tuple[str, str]], context: Context
) -> tuple[bytes | None, Resource | None]:
    """Return (body, None) where the whole is asked for, else (None, the part that is). Raises as `shape_asked`."""
    shape = shape_asked(parameters)
    return (body, None) if shape.is_whole else (None, shape.of(body, context))


def refuse_unknown_shape(interaction: Interaction) -> None:
    """Raise as `shape_asked`, before anything is written."""
    if interaction.parameters and interaction.kind in {"create", "update"}:
        shape_asked(interaction.parameters)


def reply_in_shape(reply: Reply, interaction: Interaction, context: Context) -> Reply:
    """Return the reply to a create or update with the part of the resource that is asked for."""
    if not interaction.parameters or interaction.kind not in {"create", "update"} or reply.body is None:
        return reply
    body, resource = shaped(reply.body, interaction.parameters, context)
    return replace(reply, body=body, resource=resource)

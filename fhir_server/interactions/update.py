"""update: the next version of an instance, or its first where the client names the id.

https://hl7.org/fhir/R4/http.html#update
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.preconditions import refuse_unless_met
from fhir_server.interactions.writing import (
    ATTEMPTS,
    refuse_unaddressable,
    refuse_unless_of_type,
    refuse_unless_valid,
    reply_to_write,
    requested,
    wait_before_another,
    write_of,
)
from fhir_server.kernel.errors import BadRequest, Conflict, MethodNotAllowed
from fhir_server.store.versions import StaleWrite

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Reply, Resource
    from fhir_server.store.versions import Version


async def update(interaction: Interaction, context: Context) -> Reply:
    """Save the body as the newest version: 200, or 201 where there was none or a deleted one.

    Raises BadRequest where body and URL disagree on the id, VersionConflict where `If-Match` does not
    hold, MethodNotAllowed where the instance does not exist and creating it so is switched off.
    """
    resource_type, id_ = requested(interaction)
    draft = refuse_unless_of_type(interaction.body, resource_type)
    refuse_other_id(draft, id_)
    refuse_unless_valid(draft, context)
    for attempt in range(ATTEMPTS):
        await wait_before_another(attempt)
        current = await context.store.read(resource_type, id_)
        refuse_unless_met(interaction.conditions, current)
        refuse_creation_where_off(current, context)
        write = write_of(draft, id_, "PUT", current, context)
        try:
            await context.store.write([write])
        except StaleWrite:
            continue  # Somebody was faster: look again, and hold the preconditions against what is there now.
        return reply_to_write(write.version, status_after(current), interaction.preferences)
    raise Conflict(f"{resource_type}/{id_} is being changed by many at once; try again")


def refuse_other_id(draft: Resource, id_: str) -> None:
    """Raise BadRequest unless the body carries the id of the URL, and it can be one."""
    refuse_unaddressable(id_)
    if draft.get("id") != id_:
        said = f"has id {str(draft['id'])[:64]!r}" if "id" in draft else "has no id"
        raise BadRequest(
            f"The URL says id {id_!r}, the body {said}; they must be the same",
            expression=f"{draft['resourceType']}.id",
        )


def refuse_creation_where_off(current: Version | None, context: Context) -> None:
    """Raise MethodNotAllowed where the instance does not exist and update_create is off."""
    if current is None and not context.parts.settings.update_create:
        raise MethodNotAllowed("This server does not create by update; use POST without an id")


def status_after(current: Version | None) -> int:
    """Return 200 where there was a living version before, 201 where this one brings the instance to life."""
    return 200 if current is not None and current.body is not None else 201

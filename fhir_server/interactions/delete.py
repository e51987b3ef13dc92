"""delete: the instance is gone, its history stays.

https://hl7.org/fhir/R4/http.html#delete
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.interaction import Reply
from fhir_server.interactions.preconditions import refuse_unless_met
from fhir_server.interactions.writing import (
    ATTEMPTS,
    deletion_of,
    operation_outcome_saying,
    preference_applied,
    requested,
    wait_before_another,
)
from fhir_server.kernel.errors import Conflict
from fhir_server.store.versions import StaleWrite

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Preferences


async def delete(interaction: Interaction, context: Context) -> Reply:
    """Delete the instance: 204, also where it never was or is deleted already (the wish is fulfilled).

    Raises VersionConflict where `If-Match` does not hold.
    """
    resource_type, id_ = requested(interaction)
    for attempt in range(ATTEMPTS):
        await wait_before_another(attempt)
        current = await context.store.read(resource_type, id_)
        refuse_unless_met(interaction.conditions, current)
        if current is None or current.body is None:
            return reply_to_deletion(None, interaction.preferences)
        write = deletion_of(current, context)
        try:
            await context.store.write([write])
        except StaleWrite:
            continue
        return reply_to_deletion(write.version.version, interaction.preferences)
    raise Conflict(f"{resource_type}/{id_} is being changed by many at once; try again")


def reply_to_deletion(version: int | None, preferences: Preferences, deleted: int = 1) -> Reply:
    """Return 204, or 200 with an OperationOutcome where `Prefer: return=OperationOutcome` asks for one."""
    if preferences.returning != "OperationOutcome":
        applied = preference_applied(preferences) if preferences.returning == "minimal" else ""
        return Reply(status=204, version=version, applied=applied)
    is_nothing = not deleted or (version is None and deleted == 1)
    outcome = operation_outcome_saying("Nothing was there to delete" if is_nothing else f"Deleted {deleted}")
    return Reply(status=200, version=version, resource=outcome, applied=preference_applied(preferences))

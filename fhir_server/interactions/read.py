"""read: the newest version of an instance, unless the client has it already.

https://hl7.org/fhir/R4/http.html#read and #cread (conditional read)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.interaction import Reply
from fhir_server.interactions.preconditions import etag_versions
from fhir_server.interactions.shaping import shaped
from fhir_server.kernel.errors import Gone, NotFound

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Conditions, Interaction
    from fhir_server.store.versions import Version


async def read(interaction: Interaction, context: Context) -> Reply:
    """Return the newest version, 304 where the client's copy is still it.

    Raises NotFound where there never was such an instance, Gone where it is deleted.
    """
    resource_type, id_ = str(interaction.resource_type), str(interaction.id)
    version = await context.store.read(resource_type, id_)
    if version is None:
        raise NotFound(f"There is no {resource_type}/{id_}")
    return reply_with(version, interaction, context)


def reply_with(version: Version, interaction: Interaction, context: Context) -> Reply:
    """Return the reply that shows `version`; raises Gone where it is a deletion."""
    if version.body is None:
        raise Gone(f"{version.resource_type}/{version.id} is deleted; its history is still there")
    status = 304 if _is_known(version, interaction.conditions) else 200
    body, resource = (None, None) if status == 304 else shaped(version.body, interaction.parameters, context)  # noqa: PLR2004
    return Reply(status=status, body=body, resource=resource, version=version.version, updated=version.updated)


def _is_known(version: Version, conditions: Conditions) -> bool:
    """Whether the client's conditions say that it has this version (If-None-Match wins, RFC 9110 13.2.2)."""
    if conditions.if_none_match is not None:
        versions = etag_versions(conditions.if_none_match)
        return "*" in versions or str(version.version) in versions
    if conditions.if_modified_since is not None:
        # HTTP dates have whole seconds, ours have milliseconds.
        return version.updated // 1_000_000 <= conditions.if_modified_since // 1_000_000
    return False

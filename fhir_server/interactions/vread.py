"""vread: one version of an instance, as it was.

https://hl7.org/fhir/R4/http.html#vread
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.read import reply_with
from fhir_server.kernel.errors import NotFound

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Reply

MAX_VERSION_DIGITS = 9


async def vread(interaction: Interaction, context: Context) -> Reply:
    """Return the version asked for. Raises NotFound, or Gone where that version is the deletion."""
    resource_type, id_, text = str(interaction.resource_type), str(interaction.id), str(interaction.version_id)
    version = None
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= MAX_VERSION_DIGITS:
        version = await context.store.read_version(resource_type, id_, int(text))
    if version is None:
        raise NotFound(f"There is no version {text!r} of {resource_type}/{id_}")
    return reply_with(version, interaction, context)

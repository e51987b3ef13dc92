"""create: a new instance, with an id of the server's making.

https://hl7.org/fhir/R4/http.html#create
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.writing import (
    refuse_unless_of_type,
    refuse_unless_valid,
    reply_to_write,
    write_of,
)

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Reply


async def create(interaction: Interaction, context: Context) -> Reply:
    """Save the body as a new instance and return 201. An id in the body is ignored, as R4 asks.

    Raises Malformed or InvalidResource where the body is not what it should be.
    """
    draft = refuse_unless_of_type(interaction.body, str(interaction.resource_type))
    refuse_unless_valid(draft, context)
    write = write_of(draft, context.parts.ids.new(), "POST", None, context)
    await context.store.write([write])
    return reply_to_write(write.version, 201, interaction.preferences)

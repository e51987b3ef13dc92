"""The one door: `perform(interaction, context)` answers any interaction or raises a Refusal.

This is the public Python API as well as what `web` calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from fhir_server.interactions import (
    batch,
    capabilities,
    conditional,
    create,
    delete,
    history,
    read,
    search,
    transaction,
    update,
    vread,
)
from fhir_server.interactions.parameters import refuse_unknown_parameters
from fhir_server.interactions.shaping import refuse_unknown_shape, reply_in_shape
from fhir_server.kernel.errors import NotFound, NotSupported

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Reply

Performer = Callable[["Interaction", "Context"], Awaitable["Reply"]]

PERFORMERS: Mapping[str, Performer] = {
    "read": read.read,
    "vread": vread.vread,
    "create": create.create,
    "update": update.update,
    "delete": delete.delete,
    "history-instance": history.history,
    "history-type": history.history,
    "history-system": history.history,
    "search-type": search.search,
    "search-system": search.search,
    "search-compartment": search.search,
    "capabilities": capabilities.capabilities,
    "batch": lambda interaction, context: batch.batch(interaction, context, perform),
    "transaction": lambda interaction, context: transaction.transaction(interaction, context, perform),
}

CONDITIONAL: Mapping[str, Performer] = {
    "update": conditional.conditional_update,
    "delete": conditional.conditional_delete,
}


async def perform(interaction: Interaction, context: Context) -> Reply:
    """Answer `interaction` for the tenant of `context`.

    Returns the Reply. Raises a `Refusal` where the server will not.
    """
    performer = PERFORMERS.get(interaction.kind)
    if performer is None:
        raise NotSupported(f"The interaction {interaction.kind} is not supported")
    if interaction.resource_type is not None:
        _refuse_unknown_type(interaction.resource_type, context)
    refuse_unknown_parameters(interaction)
    refuse_unknown_shape(interaction)
    if interaction.id is None and interaction.kind in CONDITIONAL:
        performer = CONDITIONAL[interaction.kind]
    elif interaction.kind == "create" and interaction.conditions.if_none_exist is not None:
        performer = conditional.conditional_create
    return reply_in_shape(await performer(interaction, context), interaction, context)


def _refuse_unknown_type(resource_type: str, context: Context) -> None:
    if resource_type not in context.parts.definitions.resource_type_set:
        raise NotFound(f"There is no resource type {resource_type!r} in FHIR R4")

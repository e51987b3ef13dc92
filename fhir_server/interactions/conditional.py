"""Conditional create, update and delete: the instance is named by search criteria instead of its id.

Each runs in one transaction: take the locks of the criteria, look, write.

https://hl7.org/fhir/R4/http.html#ccreate, #cond-update and #3.1.0.7.1 (conditional delete)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.create import create
from fhir_server.interactions.criteria import (
    Criteria,
    Match,
    criteria_from_text,
    criteria_of,
    matches_of,
    refuse_several,
)
from fhir_server.interactions.delete import reply_to_deletion
from fhir_server.interactions.preconditions import refuse_unless_met
from fhir_server.interactions.update import status_after
from fhir_server.interactions.writing import (
    ATTEMPTS,
    deletion_of,
    refuse_unaddressable,
    refuse_unless_of_type,
    refuse_unless_valid,
    reply_to_write,
    wait_before_another,
    write_of,
)
from fhir_server.kernel.errors import BadRequest, Conflict, MethodNotAllowed, MultipleMatches, NotSupported, TooCostly
from fhir_server.store.versions import StaleWrite, Version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Conditions, Interaction, Reply, Resource


async def conditional_create(interaction: Interaction, context: Context) -> Reply:
    """Create unless the criteria of `If-None-Exist` match: 201 created, 200 with the one that is there, 412 for more."""
    resource_type = str(interaction.resource_type)
    draft = refuse_unless_of_type(interaction.body, resource_type)
    refuse_unless_valid(draft, context)
    criteria = criteria_from_text(resource_type, str(interaction.conditions.if_none_exist), context)

    async def once(inside: Context) -> Reply:
        match = await _one_match(criteria, inside)
        if match is None:
            return await create(interaction, inside)
        return reply_to_write(version_of(match, resource_type), 200, interaction.preferences)

    return await _in_transaction(once, criteria, context)


async def conditional_update(interaction: Interaction, context: Context) -> Reply:
    """Update the one match, create where there is none, 412 for more.

    Raises BadRequest where the body's id is not the match's, Conflict where it is another instance's.
    """
    resource_type = str(interaction.resource_type)
    draft = refuse_unless_of_type(interaction.body, resource_type)
    refuse_unless_valid(draft, context)
    criteria = criteria_of(resource_type, interaction.parameters, context)

    async def once(inside: Context) -> Reply:
        match = await _one_match(criteria, inside)
        own_id = draft.get("id")
        current = version_of(match, resource_type) if match else await _current(resource_type, own_id, inside)
        refuse_unless_met(interaction.conditions, current)
        id_ = id_for(draft, match, current, inside)
        write = write_of(draft, id_, "PUT", current, inside)
        await inside.store.write([write])
        return reply_to_write(write.version, status_after(current), interaction.preferences)

    return await _in_transaction(once, criteria, context)


def id_for(draft: Resource, match: Match | None, current: Version | None, context: Context) -> str:
    """Return the id that a conditional update writes.

    Raises BadRequest where the body's id is not the match's, Conflict where nothing matches and the
    body's id is of an instance that lives, MethodNotAllowed where creating by update is off.
    """
    own_id = draft.get("id")
    refuse_unaddressable(own_id)
    if match is not None:
        if own_id not in {None, match.id}:
            raise BadRequest(
                f"The criteria match id {match.id!r}, the body has id {str(own_id)[:64]!r}; leave the id out",
                expression=f"{draft['resourceType']}.id",
            )
        return match.id
    if current is not None and current.body is not None:
        raise Conflict(
            "Nothing matches the criteria, and the body's id belongs to an instance that is there",
            expression=f"{draft['resourceType']}.id",
        )
    if own_id is not None and not context.parts.settings.update_create:
        raise MethodNotAllowed("This server does not create by update; leave the id out")
    return str(own_id) if own_id is not None else context.parts.ids.new()


async def _current(resource_type: str, id_: str | None, context: Context) -> Version | None:
    return await context.store.read(resource_type, id_) if id_ is not None else None


async def conditional_delete(interaction: Interaction, context: Context) -> Reply:
    """Delete what matches: 204, also for nothing; 412 for more than one where only single deletes are on."""
    resource_type = str(interaction.resource_type)
    refuse_where_off(context)
    criteria = criteria_of(resource_type, interaction.parameters, context)

    async def once(inside: Context) -> Reply:
        most = context.parts.settings.max_entries
        matches = (await matches_of([criteria], inside.store, inside, limit=most + 1))[0]
        refuse_too_many(criteria, matches, context)
        refuse_unless_each_meets(interaction.conditions, criteria, matches)
        writes = [deletion_of(version_of(match, resource_type), inside) for match in matches]
        if writes:
            await inside.store.write(writes)
        version = writes[0].version.version if len(writes) == 1 else None
        return reply_to_deletion(version, interaction.preferences, len(writes))

    return await _in_transaction(once, criteria, context)


def refuse_where_off(context: Context) -> None:
    """Raise NotSupported where conditional delete is switched off."""
    if context.parts.settings.conditional_delete == "not-supported":
        raise NotSupported("Conditional delete is switched off on this server")


def refuse_too_many(criteria: Criteria, matches: list[Match], context: Context) -> None:
    """Raise MultipleMatches or TooCostly where more instances match than may be deleted at once."""
    settings = context.parts.settings
    if settings.conditional_delete == "single" and len(matches) > 1:
        raise MultipleMatches(f"The criteria match more than one {criteria.resource_type}, and only one may be deleted")
    if len(matches) > settings.max_entries:
        raise TooCostly(f"The criteria match more than {settings.max_entries} instances; nothing was deleted")


def refuse_unless_each_meets(conditions: Conditions, criteria: Criteria, matches: list[Match]) -> None:
    """Raise VersionConflict where `If-Match` does not hold for each of the matches, or there is none."""
    if not matches:
        refuse_unless_met(conditions, None)
    for match in matches:
        refuse_unless_met(conditions, version_of(match, criteria.resource_type))


def version_of(match: Match, resource_type: str) -> Version:
    """Return the newest version that a match stands for."""
    return Version(resource_type, match.id, match.version, match.updated, "", match.body)


async def _one_match(criteria: Criteria, context: Context) -> Match | None:
    matches = (await matches_of([criteria], context.store, context))[0]
    refuse_several(criteria, matches)
    return matches[0] if matches else None


async def _in_transaction(once: Callable[[Context], Awaitable[Reply]], criteria: Criteria, context: Context) -> Reply:
    """Run `once` in a transaction that holds the locks of `criteria`; again where a plain write was faster."""
    for attempt in range(ATTEMPTS):
        await wait_before_another(attempt)
        try:
            async with context.parts.store.tenant(context.tenant.key).unit() as unit:
                await unit.lock(criteria.locks)
                return await once(context.within(unit))
        except StaleWrite:
            continue
    raise Conflict("What the criteria match is being changed by many at once; try again")

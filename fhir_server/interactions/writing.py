"""The one way a version is written: check, stamp, index, save.

https://hl7.org/fhir/R4/http.html#transactional-integrity
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from fhir_server.interactions.interaction import Reply
from fhir_server.kernel.errors import BadRequest, InvalidResource, Issue, Malformed
from fhir_server.spec import json_format
from fhir_server.spec.outcome import operation_outcome
from fhir_server.spec.temporal import format_instant
from fhir_server.store.versions import Version, Write

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Preferences, Resource

ATTEMPTS = 40
"""How often a write that lost a race is tried anew before it is refused with 409."""

_FIRST_WAIT, _LONGEST_WAIT = 0.001, 0.05

_FIRST_KEYS = frozenset({"resourceType", "id", "meta"})


async def wait_before_another(attempt: int) -> None:
    """Wait a little, by chance and longer from attempt to attempt, so that those who race do not meet again."""
    if attempt:
        await asyncio.sleep(random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)))  # noqa: S311 - no secret


def refuse_unless_valid(draft: Resource, context: Context) -> None:
    """Raise InvalidResource with every issue where `draft` breaks a rule of its definition."""
    issues = context.parts.validator.check(draft)
    if any(issue.severity in {"error", "fatal"} for issue in issues):
        raise InvalidResource("The resource is not valid", issues=issues)


def refuse_unless_of_type(draft: Resource | None, resource_type: str) -> Resource:
    """Return `draft`. Raises Malformed where there is none, or where it is of another type than the URL says."""
    if draft is None:
        raise Malformed("The request has no body; send the resource")
    named = draft.get("resourceType")
    if named is None:
        raise Malformed(f"The body has no resourceType; it must be {resource_type!r}")
    if named != resource_type:
        raise Malformed(f"The URL is for {resource_type}, the body's resourceType is {str(named)[:60]!r}")
    return draft


def refuse_unaddressable(id_: str | None) -> None:
    """Raise BadRequest for the ids `.` and `..`: R4's rule for ids lets them be, but no URL leads to them."""
    if id_ in {".", ".."}:
        raise BadRequest(f"{id_!r} cannot be an id: in a URL it means a folder")


def stamped(draft: Resource, id_: str, version: int, updated: int) -> bytes:
    """Return the JSON as it will be served: id, versionId and lastUpdated set, the rest as sent."""
    meta = draft.get("meta")
    rest = {k: v for k, v in meta.items() if k not in {"versionId", "lastUpdated"}} if isinstance(meta, dict) else {}
    return json_format.encode(
        {
            "resourceType": draft["resourceType"],
            "id": id_,
            "meta": {"versionId": str(version), "lastUpdated": format_instant(updated), **rest},
            **{k: v for k, v in draft.items() if k not in _FIRST_KEYS},
        }
    )


def write_of(draft: Resource, id_: str, method: str, current: Version | None, context: Context) -> Write:
    """Return the write that makes `draft` the version after `current` (None: the first)."""
    number = current.version + 1 if current else 1
    updated = _after(current, context)
    draft = {**draft, "id": id_}
    return Write(
        version=Version(draft["resourceType"], id_, number, updated, method, stamped(draft, id_, number, updated)),
        index=context.parts.indexer.index(draft, context.tenant.key, context.base_url),
        expected=number - 1,
    )


def deletion_of(current: Version, context: Context) -> Write:
    """Return the write that deletes the instance whose newest version is `current`."""
    version = Version(current.resource_type, current.id, current.version + 1, _after(current, context), "DELETE", None)
    return Write(version=version, index=None, expected=current.version)


def _after(current: Version | None, context: Context) -> int:
    """Now, and later than the version before, however the clocks of several nodes stand."""
    now = context.parts.clock.now()
    return now if current is None else max(now, current.updated + 1000)


def reply_to_write(version: Version, status: int, preferences: Preferences) -> Reply:
    """Return the reply after a write, with as much content as `Prefer: return` asks for."""
    place = f"{version.resource_type}/{version.id}/_history/{version.version}"
    outcome = None
    if preferences.returning == "OperationOutcome":
        outcome = operation_outcome_saying(f"Saved as {place}")
    return Reply(
        status=status,
        body=version.body if preferences.returning in {"", "representation"} else None,
        resource=outcome,
        location=place if status == 201 else None,  # noqa: PLR2004
        content_location=place,
        version=version.version,
        updated=version.updated,
        applied=preference_applied(preferences),
    )


def preference_applied(preferences: Preferences) -> str:
    """Return what `Preference-Applied` says after a write, "" where nothing was preferred."""
    return f"return={preferences.returning}" if preferences.returning else ""


def operation_outcome_saying(sentence: str) -> Resource:
    """Return an OperationOutcome with one informational issue."""
    return operation_outcome([Issue("information", "informational", sentence)])


def requested(interaction: Interaction) -> tuple[str, str]:
    """Return the (resource type, id) an instance-level interaction is about."""
    return str(interaction.resource_type), str(interaction.id)

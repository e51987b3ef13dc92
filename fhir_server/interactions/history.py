"""history of an instance, a type or the system: every version, newest first.

Pages are cut by a signed cursor that names the last version shown, so what others write meanwhile
neither repeats nor hides a version.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from fhir_server.interactions.entries import status_text
from fhir_server.interactions.interaction import Reply
from fhir_server.interactions.shaping import Shape, shape_asked
from fhir_server.kernel.errors import BadRequest, NotFound
from fhir_server.search import paging
from fhir_server.spec import bundle as bundles
from fhir_server.spec.temporal import format_instant, parse_date_range

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Resource
    from fhir_server.store.versions import Version

KEPT = ("_since", "_at", "_summary", "_elements", "_format", "_pretty")
"""What the links of a history ask for again, beside the size of the page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a history was asked for: `since` and `at` in microseconds since the epoch."""

    count: int
    since: int | None
    at: tuple[int, int] | None
    shape: Shape
    cursor: str | None
    applied: tuple[tuple[str, str], ...]


async def history(interaction: Interaction, context: Context) -> Reply:
    """Return a page of the history as a Bundle of type history.

    Raises NotFound for an instance that never was, BadRequest for parameters that cannot be read.
    """
    asked = asked_for(interaction, context)
    scope: dict[str, Any] = {"resource_type": interaction.resource_type, "id": interaction.id}
    limits: dict[str, Any] = {"since": asked.since, "at": asked.at}
    store = context.store
    total = await store.history_count(**scope, **limits)
    if (
        total == 0
        and interaction.id is not None
        and await store.read(str(interaction.resource_type), interaction.id) is None
    ):
        raise NotFound(f"There is no {interaction.resource_type}/{interaction.id}")
    before = _opened(asked.cursor, interaction, context)
    versions = await store.history(**scope, **limits, before=before, limit=asked.count + 1) if asked.count else []
    page, more = versions[: asked.count], len(versions) > asked.count
    links = _links(interaction, asked, page[-1] if more else None, context)
    return Reply(
        status=200,
        resource=bundles.history([_entry(version, asked.shape, context) for version in page], links=links, total=total),
    )


def asked_for(interaction: Interaction, context: Context) -> Asked:
    """Return the parameters of a history, checked."""
    given = dict(interaction.parameters)
    count = given.get("_count")
    if count is not None and not (count.isascii() and count.isdigit() and len(count) < 10):  # noqa: PLR2004
        raise BadRequest(f"_count={count[:40]} is not a number of entries")
    settings = context.parts.settings
    size = settings.default_count if count is None else min(int(count), settings.max_count)
    shape = shape_asked(interaction.parameters, counts=True)
    since, at = _time("_since", given), _time("_at", given)
    applied = [(name, given[name]) for name in KEPT if given.get(name)]
    return Asked(
        count=0 if shape.mode == "count" else size,
        since=since[0] if since else None,
        at=at,
        shape=shape,
        cursor=given.get("_cursor"),
        applied=(*applied, ("_count", str(size))),
    )


def _time(name: str, given: dict[str, str]) -> tuple[int, int] | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        return parse_date_range(text)
    except ValueError as error:
        raise BadRequest(f"{name}={text[:60]} is no date or time, such as 2026-11-22T17:50:00Z") from error


def _scope(interaction: Interaction) -> str:
    return f"history/{interaction.resource_type or ''}/{interaction.id or ''}"


def _opened(cursor: str | None, interaction: Interaction, context: Context) -> tuple[int, int] | None:
    if cursor is None:
        return None
    updated, position = paging.open_cursor(
        cursor, _scope(interaction), context.tenant.key, context.parts.settings.link_secret
    )
    return updated, position


def _links(interaction: Interaction, asked: Asked, last: Version | None, context: Context) -> list[tuple[str, str]]:
    place = "/".join(p for p in (interaction.resource_type, interaction.id, "_history") if p)

    def link(relation: str, cursor: str | None) -> tuple[str, str]:
        parameters = [*asked.applied, *([("_cursor", cursor)] if cursor else [])]
        return relation, f"{context.base_url}/{place}?{urlencode(parameters, quote_via=quote)}"

    if last is None:
        return [link("self", asked.cursor)]
    secret = context.parts.settings.link_secret
    after = paging.seal_cursor((last.updated, last.position), _scope(interaction), context.tenant.key, secret)
    return [link("self", asked.cursor), link("next", after)]


def _content(body: bytes | None, shape: Shape, context: Context) -> Resource | msgspec.Raw | None:
    if body is None:
        return None
    return msgspec.Raw(body) if shape.is_whole else shape.of(body, context)


def _entry(version: Version, shape: Shape, context: Context) -> dict[str, Any]:
    place = f"{version.resource_type}/{version.id}"
    status = 204 if version.body is None else 201 if version.version == 1 or version.method == "POST" else 200
    return bundles.history_entry(
        f"{context.base_url}/{place}",
        _content(version.body, shape, context),
        method=version.method,
        url=version.resource_type if version.method == "POST" else place,
        status=status_text(status),
        etag=f'W/"{version.version}"',
        last_modified=format_instant(version.updated),
    )

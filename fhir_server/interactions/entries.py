"""The entries of a batch or transaction Bundle: read as interactions, answered as entries.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import msgspec

from fhir_server.interactions.interaction import Conditions, Interaction, Kind, Preferences, Reply
from fhir_server.kernel.errors import BadRequest, Malformed, NotFound, NotSupported, TooCostly
from fhir_server.spec.bundle import response_entry
from fhir_server.spec.temporal import format_instant, parse_date_range

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_INSTANCE_KINDS: Mapping[str, Kind] = {"GET": "read", "HEAD": "read", "PUT": "update", "DELETE": "delete"}
_TYPE_KINDS: Mapping[str, Kind] = {
    "GET": "search-type",
    "HEAD": "search-type",
    "POST": "create",
    "PUT": "update",
    "DELETE": "delete",
}
_INSTANCE = 2
_ID = re.compile(r"(?!\.\.?$)[A-Za-z0-9\-.]{1,64}")


def entries_of(bundle: Mapping[str, Any], context: Context) -> list[dict[str, Any]]:
    """Return the entries of a Bundle. Raises TooCostly over the limit of entries, Malformed for a wrong shape."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Malformed("Bundle.entry must be an array of objects", expression="Bundle.entry")
    most = context.parts.settings.max_entries
    if len(entries) > most:
        raise TooCostly(f"The Bundle has {len(entries)} entries; the most is {most}", expression="Bundle.entry")
    return entries


def interaction_of(entry: Mapping[str, Any], context: Context, preferences: Preferences) -> Interaction:
    """Return the interaction an entry's `request` (and `resource`) states.

    Raises Malformed or BadRequest where it states none; the caller knows the entry's number.
    """
    request = entry.get("request")
    if not isinstance(request, dict):
        raise Malformed("The entry has no request; say method and url")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise Malformed(f"request.method {str(method)[:20]!r} is not one of {', '.join(sorted(METHODS))}")
    if not isinstance(url, str) or not url:
        raise Malformed("request.url is missing")
    interaction = interaction_at(method, _relative(url, context.base_url))
    body = entry.get("resource") if method in {"POST", "PUT", "PATCH"} else None
    if body is not None and not isinstance(body, dict):
        raise Malformed("The entry's resource is not an object")
    return replace(interaction, body=body, conditions=_conditions(request), preferences=preferences)


def _relative(url: str, base_url: str) -> str:
    if url.startswith(base_url + "/"):
        return url[len(base_url) + 1 :]
    if "://" in url.partition("?")[0]:
        raise BadRequest(f"request.url must be relative or begin with {base_url}")
    return url.removeprefix("/")


def interaction_at(method: str, url: str) -> Interaction:
    """Return the interaction of `method` on a relative URL: `Patient/1`, `Patient?name=x`, `Patient/1/_history/2`.

    Raises BadRequest where R4 has none there, NotSupported for operations and patches.
    """
    path, _, query = url.partition("?")
    parts = _parts(path)
    parameters = tuple(parse_qsl(query, keep_blank_values=True))
    if any(part.startswith("$") for part in parts):
        raise NotSupported(f"Operations inside a Bundle are not supported yet: {path[:100]}")
    if method == "PATCH":
        raise NotSupported("PATCH is not supported yet; use PUT with the whole resource")
    kind: Kind | None = None
    if len(parts) >= _INSTANCE and parts[0] != "_history":
        _refuse_illegal_id(parts[1], method)
    if method == "POST" and parts[-1:] == ["_search"]:
        return _searching(parts[:-1], method, url, parameters)
    if len(parts) == 1 and parts[0] != "_history":
        kind = _TYPE_KINDS.get(method) if parts[0] != "metadata" else ("capabilities" if method == "GET" else None)
        return _checked(
            kind, method, url, resource_type=parts[0] if kind != "capabilities" else None, parameters=parameters
        )
    if method in {"GET", "HEAD"}:
        return _reading(parts, method, url, parameters)
    if len(parts) == _INSTANCE:
        kind = _INSTANCE_KINDS.get(method)
    return _checked(
        kind,
        method,
        url,
        resource_type=parts[0] if parts else None,
        id=parts[-1] if parts else None,
        parameters=parameters,
    )


def _parts(path: str) -> list[str]:
    try:
        parts = [unquote(part, errors="strict") for part in path.split("/") if part]
    except UnicodeDecodeError:
        raise BadRequest("request.url is not percent-encoded UTF-8") from None
    if not all(part.isprintable() for part in parts):
        raise BadRequest("request.url holds control characters")
    return parts


def _refuse_illegal_id(id_: str, method: str) -> None:
    if (
        _ID.fullmatch(id_)
        or (id_ == "_history" and method in {"GET", "HEAD"})
        or (id_ == "_search" and method == "POST")
    ):
        return
    sentence = f"{id_[:60]!r} cannot be an id: ids have 1 to 64 letters, digits, '-' and '.'"
    raise BadRequest(sentence) if method in {"PUT", "PATCH"} else NotFound(sentence)


def _reading(parts: list[str], method: str, url: str, parameters: tuple[tuple[str, str], ...]) -> Interaction:
    match parts:
        case []:
            return Interaction(kind="search-system", parameters=parameters)
        case ["_history"]:
            return Interaction(kind="history-system", parameters=parameters)
        case [resource_type, "_history"]:
            return Interaction(kind="history-type", resource_type=resource_type, parameters=parameters)
        case [resource_type, id_]:
            return Interaction(kind="read", resource_type=resource_type, id=id_, parameters=parameters)
        case [resource_type, id_, "_history"]:
            return Interaction(kind="history-instance", resource_type=resource_type, id=id_, parameters=parameters)
        case [resource_type, id_, "_history", version]:
            return Interaction(
                kind="vread", resource_type=resource_type, id=id_, version_id=version, parameters=parameters
            )
        case [compartment, id_, searched]:
            return Interaction(
                kind="search-compartment",
                resource_type=None if searched == "*" else searched,
                compartment=(compartment, id_),
                parameters=parameters,
            )
    return _checked(None, method, url)


def _searching(parts: list[str], method: str, url: str, parameters: tuple[tuple[str, str], ...]) -> Interaction:
    match parts:
        case [resource_type]:
            return Interaction(kind="search-type", resource_type=resource_type, parameters=parameters)
        case [compartment, id_]:
            return _reading([compartment, id_, "*"], method, url, parameters)
        case [] | [_, _, _]:
            return _reading(parts, method, url, parameters)
    return _checked(None, method, url)


def _checked(kind: Kind | None, method: str, url: str, **fields: Any) -> Interaction:
    if kind is None:
        raise BadRequest(f"There is no interaction {method} {url[:100]!r}")
    return Interaction(kind=kind, **fields)


def _conditions(request: Mapping[str, Any]) -> Conditions:
    since = request.get("ifModifiedSince")
    try:
        modified_since = parse_date_range(since)[0] if isinstance(since, str) else None
    except ValueError as error:
        raise Malformed(f"request.ifModifiedSince {since!r} is no instant") from error
    return Conditions(
        if_match=request.get("ifMatch"),
        if_none_match=request.get("ifNoneMatch"),
        if_modified_since=modified_since,
        if_none_exist=request.get("ifNoneExist"),
    )


def entry_of(reply: Reply, entry: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return the Bundle entry that reports `reply` to the request's `entry`; HEAD gets no content."""
    content: Mapping[str, Any] | msgspec.Raw | None = reply.resource
    if entry["request"]["method"] == "HEAD":
        reply, content = replace(reply, body=None), None
    if content is None and reply.body is not None:
        content = msgspec.Raw(reply.body)
    is_outcome = isinstance(content, Mapping) and content.get("resourceType") == "OperationOutcome"
    place = reply.location or reply.content_location
    return response_entry(
        status_text(reply.status),
        location=f"{context.base_url}/{place}" if place else "",
        etag=f'W/"{reply.version}"' if reply.version is not None else "",
        last_modified=format_instant(reply.updated) if reply.updated is not None else "",
        outcome=content if is_outcome else None,  # type: ignore[arg-type]
        resource=None if is_outcome else content,  # type: ignore[arg-type]
    )


def status_text(status: int) -> str:
    """Return `201 Created` for 201."""
    return f"{status} {HTTPStatus(status).phrase}"

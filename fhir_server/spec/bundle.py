"""Puts together the Bundles a server answers with: searchset, history, batch-response, transaction-response.

Resources may be dicts or `msgspec.Raw` (the bytes as stored); nothing in here looks into them.

https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from msgspec import Raw

Link = tuple[str, str]
"""Relation and URL: `("self", "…")`."""


def searchset(
    entries: Sequence[dict[str, Any]], *, links: Iterable[Link], total: int | None = None, timestamp: str = ""
) -> dict[str, Any]:
    """Return the Bundle that answers a search. `total` counts matches on all pages; None where it is not known."""
    return _bundle("searchset", entries, links=links, total=total, timestamp=timestamp)


def history(
    entries: Sequence[dict[str, Any]], *, links: Iterable[Link], total: int | None = None, timestamp: str = ""
) -> dict[str, Any]:
    """Return the Bundle that answers a history; the newest version comes first."""
    return _bundle("history", entries, links=links, total=total, timestamp=timestamp)


def response_bundle(bundle_type: str, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the `batch-response` or `transaction-response`; its entries stand in the order of the request's."""
    return _bundle(bundle_type, entries)


def match_entry(full_url: str, resource: dict[str, Any] | Raw) -> dict[str, Any]:
    """Return the entry of a resource that matches the search."""
    return _search_entry(full_url, resource, "match")


def include_entry(full_url: str, resource: dict[str, Any] | Raw) -> dict[str, Any]:
    """Return the entry of a resource that comes along with a match."""
    return _search_entry(full_url, resource, "include")


def outcome_entry(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the entry that tells something about the search itself."""
    return {"resource": outcome, "search": {"mode": "outcome"}}


def history_entry(
    full_url: str,
    resource: dict[str, Any] | Raw | None,
    *,
    method: str,
    url: str,
    status: str,
    etag: str,
    last_modified: str,
) -> dict[str, Any]:
    """Return the entry of one version; a deletion has no resource."""
    return {
        "fullUrl": full_url,
        **({} if resource is None else {"resource": resource}),
        "request": {"method": method, "url": url},
        "response": {"status": status, "etag": etag, "lastModified": last_modified},
    }


def response_entry(
    status: str,
    *,
    location: str = "",
    etag: str = "",
    last_modified: str = "",
    outcome: dict[str, Any] | None = None,
    resource: dict[str, Any] | Raw | None = None,
    full_url: str = "",
) -> dict[str, Any]:
    """Return the answer to one entry of a batch or transaction."""
    response = {"status": status, "location": location, "etag": etag, "lastModified": last_modified, "outcome": outcome}
    return _told({"fullUrl": full_url, "resource": resource, "response": _told(response)})


def _search_entry(full_url: str, resource: dict[str, Any] | Raw, mode: str) -> dict[str, Any]:
    return {"fullUrl": full_url, "resource": resource, "search": {"mode": mode}}


def _bundle(
    bundle_type: str,
    entries: Sequence[dict[str, Any]],
    *,
    links: Iterable[Link] = (),
    total: int | None = None,
    timestamp: str = "",
) -> dict[str, Any]:
    """Return a Bundle without the properties that would be empty: FHIR's JSON has no empty arrays."""
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": bundle_type}
    if timestamp:
        bundle["timestamp"] = timestamp
    if total is not None:
        bundle["total"] = total
    if told := [{"relation": relation, "url": url} for relation, url in links]:
        bundle["link"] = told
    if entries:
        bundle["entry"] = list(entries)
    return bundle


def _told(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None and value != ""}

"""Loading: content from files, performed as interactions like everything else that comes in.

Bundles of type transaction and batch are performed as they are. What other Bundles hold, and single
resources, are updates under their own ids (creates where they have none), a group at a time in one
transaction; where the group is refused, each of them alone, so that one bad resource stops no other.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fhir_server.interactions.interaction import Interaction, Kind, Preferences
from fhir_server.interactions.perform import perform
from fhir_server.kernel.errors import Issue, Malformed, NotSupported, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Resource

_QUIETLY = Preferences(returning="minimal")
_UNPACKED = frozenset({"collection", "searchset"})
_PERFORMED: dict[Any, Kind] = {"transaction": "transaction", "batch": "batch"}
_REFUSED_FROM = 400


@dataclass(frozen=True, slots=True)
class Refused:
    """What was not taken in: where it stood (`Bundle.entry[3]`, `Patient/1`), the HTTP status, and why.

    `number` is the position, in the group that was given, of the resource it is or stands in.
    """

    what: str
    status: int
    issues: tuple[Issue, ...]
    number: int = 0


@dataclass(slots=True)
class Loaded:
    """What came of it: how many resources of each type went in, and what was refused."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)


def stands_alone(resource: Resource) -> bool:
    """Whether the resource is performed on its own rather than in a group with its neighbours."""
    return resource.get("resourceType") == "Bundle" and resource.get("type") in {*_PERFORMED, *_UNPACKED, "history"}


async def load(resources: Sequence[Resource], context: Context) -> Loaded:
    """Load a group of resources: Bundles as their type says, the others together."""
    loaded = Loaded()
    together = [number for number, resource in enumerate(resources) if not stands_alone(resource)]
    if together:
        one = await _load_together([_entry(resources[number], "") for number in together], context)
        loaded.counts.update(one.counts)
        loaded.refused += (replace(refused, number=together[refused.number]) for refused in one.refused)
    for number, resource in enumerate(resources):
        if stands_alone(resource):
            one = await _load_bundle(resource, context)
            loaded.counts.update(one.counts)
            loaded.refused += (replace(refused, number=number) for refused in one.refused)
    return loaded


async def _load_bundle(bundle: Resource, context: Context) -> Loaded:
    if bundle["type"] in _PERFORMED:
        return await _perform_bundle(bundle, _PERFORMED[bundle["type"]], context)
    if bundle["type"] in _UNPACKED:
        return await _load_together(_entries_of(bundle), context)
    refusal = NotSupported("A Bundle of type history is not loaded: it would have to rewrite the past")
    return Loaded(refused=[refused_as("Bundle", refusal)])


async def _perform_bundle(bundle: Resource, kind: Kind, context: Context) -> Loaded:
    """Perform a transaction or batch; a transaction is taken whole or refused whole."""
    try:
        reply = await perform(Interaction(kind=kind, body=bundle, preferences=_QUIETLY), context)
    except Refusal as refusal:
        return Loaded(refused=[refused_as("Bundle", refusal)])
    loaded = Loaded()
    answers = (reply.resource or {}).get("entry", ())
    for position, (entry, answer) in enumerate(zip(bundle.get("entry", ()), answers, strict=False)):
        status = int(answer["response"]["status"][:3])
        if status >= _REFUSED_FROM:
            issues = answer["response"].get("outcome", {}).get("issue", ())
            loaded.refused.append(Refused(f"Bundle.entry[{position}]", status, tuple(map(_issue, issues))))
        elif "resource" in entry:
            loaded.counts[entry["resource"]["resourceType"]] += 1
    return loaded


async def _load_together(entries: list[Resource], context: Context) -> Loaded:
    """Load entries in one transaction; each alone where that is refused."""
    whole = await _perform_bundle(_transaction(entries), "transaction", context)
    if not whole.refused:
        return whole
    loaded = Loaded()
    for number, entry in enumerate(entries):
        one = await _perform_bundle(_transaction([entry]), "transaction", context)
        loaded.counts.update(one.counts)
        loaded.refused += (_alone(refused, number, entry) for refused in one.refused)
    return loaded


def _alone(refused: Refused, number: int, entry: Resource) -> Refused:
    """Return the refusal of a resource's own transaction as if that had never been around it."""
    resource = entry.get("resource")
    resource_type = str(resource.get("resourceType")) if isinstance(resource, dict) else "entry"
    issues = (
        replace(issue, expression=issue.expression.replace("Bundle.entry[0].resource", resource_type, 1))
        for issue in refused.issues
    )
    return Refused(_name_of(entry), refused.status, tuple(issues), number)


def _transaction(entries: Iterable[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def _entries_of(bundle: Resource) -> list[Resource]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        return [{}]
    return [
        _entry(entry.get("resource"), entry.get("fullUrl", "")) if isinstance(entry, dict) else {} for entry in entries
    ]


def _entry(resource: Any, full_url: Any) -> Resource:
    """Return the entry that stores a resource: under its id where it has one.

    What is no resource becomes an entry nonetheless, for the transaction to refuse with its reason.
    """
    resource_type = resource.get("resourceType") if isinstance(resource, dict) else None
    id_ = resource.get("id") if isinstance(resource, dict) else None
    request = (
        {"method": "PUT", "url": f"{resource_type}/{id_}"} if id_ else {"method": "POST", "url": f"{resource_type}"}
    )
    entry = {"resource": resource, "request": request}
    return {"fullUrl": full_url, **entry} if isinstance(full_url, str) and full_url else entry


def _name_of(entry: Resource) -> str:
    return str(entry["request"]["url"])[:100] if "request" in entry else "an entry that is no object"


def refused_as(what: str, refusal: Refusal) -> Refused:
    """Return a refusal as a line of the report."""
    return Refused(what, refusal.http_status, refusal.issues)


def _issue(issue: Resource) -> Issue:
    place = issue.get("expression") or [""]
    return Issue(issue["severity"], issue["code"], issue.get("diagnostics", ""), place[0])


def refuse_unless_resource(document: Any) -> Resource:
    """Return `document`. Raises Malformed where it is not a resource at all."""
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        raise Malformed("There is no resource here: an object with resourceType is needed")
    return document

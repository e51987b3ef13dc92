"""Derives the search entries of what is stored anew, e.g. after a new search parameter. No version is made.

Each type's table is walked by id, a page at a time; entries are saved where the instance still is at the version
they were derived from. What others write meanwhile brings its own entries, so the servers have to know the new
parameters before this runs. A run that was stopped leaves every row either as it was or done: run it again from the
start, rows whose entries are right already are read but not written.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.kernel.errors import BadRequest, Unavailable
from fhir_server.search.names import suggestion
from fhir_server.spec import json_format
from fhir_server.store import reindexing
from fhir_server.store.reindexing import Entries
from fhir_server.store.versions import StaleWrite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from fhir_server.interactions.context import Parts
    from fhir_server.store.store import TenantStore

JOB = "fhir_server.reindex"
"""The name under which the worker does this."""

BATCH = 500
ATTEMPTS = 5
"""How often a page is saved anew where the database chose it as the victim of a deadlock."""


async def reindex_tenant(
    parts: Parts,
    tenant_key: int,
    *,
    types: Iterable[str] = (),
    base_url: str = "",
    progress: Callable[[int], None] | None = None,
    batch: int = BATCH,
) -> int:
    """Derive the entries of every living resource of the tenant (of `types`, where named); return how many.

    `base_url` is what absolute references to this server's own resources begin with; the setting where it is empty.
    `progress` is told how many are done. Round trips: a fixed number for each page and each type.
    """
    store = parts.store.tenant(tenant_key)
    base_url = base_url or parts.settings.base_url
    done = 0
    for resource_type in known_types(parts, types):
        async for entries in _derived(store, resource_type, batch, parts, (tenant_key, base_url)):
            await _save(store, resource_type, entries)
            done += len(entries)
            if progress is not None:
                progress(done)
        await reindexing.drop_strays(store, parts.store.dialect, resource_type)
    return done


async def count_living(parts: Parts, tenant_key: int, types: Iterable[str] = ()) -> int:
    """Return how many resources `reindex_tenant` will find, in one round trip."""
    statements = [reindexing.living(resource_type) for resource_type in known_types(parts, types)]
    return sum(rows[0][0] for rows in await parts.store.tenant(tenant_key).select_many(statements))


def known_types(parts: Parts, types: Iterable[str]) -> Sequence[str]:
    """Return `types`, each once, all where none is named. Raises BadRequest where one is no type of resource."""
    known = parts.definitions.resource_types
    named = sorted(set(types))
    for name in named:
        if name not in known:
            raise BadRequest(f"{name[:60]!r} is not a type of resource{suggestion(name, known)}")
    return named or known


async def _derived(
    store: TenantStore, resource_type: str, batch: int, parts: Parts, place: tuple[int, str]
) -> AsyncIterator[list[Entries]]:
    """Yield the entries of the type's living resources, page by page."""
    after = ""
    while rows := await store.select(reindexing.page_of(resource_type, after, batch)):
        yield [
            Entries(id_, version, parts.indexer.index(json_format.decode_stored(body), *place))
            for id_, version, body in rows
        ]
        after = rows[-1][0]


async def _save(store: TenantStore, resource_type: str, entries: Sequence[Entries]) -> None:
    for _ in range(ATTEMPTS):
        try:
            async with store.unit() as unit:
                await unit.save_entries(resource_type, entries)
        except StaleWrite:
            continue
        return
    raise Unavailable("other writes kept getting in the way; run it again")

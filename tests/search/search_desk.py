"""A server that only searches: a store of each kind with a corpus in it, loaded once a module."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest_asyncio

from fhir_server.interactions.context import Context, Parts, Tenant
from fhir_server.interactions.interaction import Interaction, Preferences
from fhir_server.interactions.search import search
from fhir_server.interactions.writing import deletion_of, write_of
from fhir_server.kernel.clock import FixedClock
from fhir_server.kernel.ids import SequentialIds
from fhir_server.kernel.settings import Settings
from fhir_server.search.indexing import Indexer
from fhir_server.search.parameters import SearchParameters
from fhir_server.spec import json_format
from fhir_server.spec.packages import load_definitions
from fhir_server.store.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

BASE = "http://test/fhir"


@dataclass
class SearchDesk:
    """`search("Patient?name=eve")` as a client sees it."""

    context: Context

    async def put(self, *resources: dict[str, Any]) -> None:
        """Write each as the next version of its id."""
        for resource in resources:
            current = await self.context.store.read(resource["resourceType"], resource["id"])
            text = json_format.decode(json.dumps(resource).encode())
            await self.context.store.write([write_of(text, resource["id"], "PUT", current, self.context)])

    async def delete(self, resource_type: str, id_: str) -> None:
        current = await self.context.store.read(resource_type, id_)
        await self.context.store.write([deletion_of(current, self.context)])

    async def search(self, url: str, *, lenient: bool = False) -> dict[str, Any]:
        """Return the Bundle for a relative URL: a type, `` (the system) or `Patient/1/Observation`."""
        path, _, query = url.removeprefix(BASE).lstrip("/").partition("?")
        steps = [step for step in path.split("/") if step]
        if len(steps) == 3:
            kind, compartment, searched = "search-compartment", (steps[0], steps[1]), steps[2]
        else:
            kind, compartment, searched = ("search-type" if steps else "search-system"), None, (steps or ["*"])[0]
        interaction = Interaction(
            kind=kind,
            resource_type=None if searched == "*" else searched,
            compartment=compartment,
            parameters=tuple(parse_qsl(query, keep_blank_values=True)),
            preferences=Preferences(lenient=lenient),
        )
        reply = await search(interaction, self.context)
        return json.loads(json_format.encode(reply.resource))

    async def ids(self, url: str) -> list[str]:
        """Return the ids of the matches on the first page."""
        return ids(await self.search(url))

    async def all_ids(self, url: str) -> list[str]:
        """Return the ids of the matches on all pages, following the links."""
        found: list[str] = []
        following: str | None = url
        while following:
            bundle = await self.search(following)
            found += ids(bundle)
            following = link(bundle, "next")
        return found


def ids(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    return [e["resource"]["id"] for e in bundle.get("entry", ()) if e["search"]["mode"] == mode]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


async def open_desk(database_url: str, resources: Iterable[dict[str, Any]] = ()) -> SearchDesk:
    """Open a store at `database_url` and put `resources` into it."""
    settings = Settings(database_url=database_url, auth="off", link_secret="tests", _env_file=None)
    definitions = load_definitions()
    parameters = SearchParameters(definitions)
    store = await Store.open(settings)
    parts = Parts(
        settings=settings,
        definitions=definitions,
        search_parameters=parameters,
        indexer=Indexer(parameters, definitions),
        validator=None,  # type: ignore[arg-type] - nothing here is validated
        store=store,
        clock=FixedClock(),
        ids=SequentialIds(),
    )
    key = await store.tenant_key("default")
    desk = SearchDesk(Context(parts=parts, tenant=Tenant(key, "default"), base_url=BASE))
    await desk.put(*resources)
    return desk


def desk_with(resources: Iterable[dict[str, Any]]) -> Any:
    """Make a fixture: one desk a module and database, holding `resources`."""

    @pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"], name="desk")
    async def desk(request: Any, tmp_path_factory: Any) -> AsyncIterator[SearchDesk]:
        if request.param == "sqlite":
            opened = await open_desk(f"sqlite:///{tmp_path_factory.mktemp('search') / 'fhir.db'}", resources)
            yield opened
            await opened.context.parts.store.close()
            return
        cluster = request.getfixturevalue("postgresql_cluster")
        url = cluster.new_database()
        opened = await open_desk(url, resources)
        yield opened
        await opened.context.parts.store.close()
        cluster.drop_database(url)

    return desk

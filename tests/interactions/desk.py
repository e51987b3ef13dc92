"""A front desk on each database: `desk.perform(kind, …)` without any transport."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_server.app import build_parts
from fhir_server.interactions.context import Context, Tenant
from fhir_server.interactions.interaction import Conditions, Interaction, Preferences, Reply
from fhir_server.interactions.perform import perform
from fhir_server.kernel.settings import Settings


class Desk:
    """The front desk of one empty server."""

    def __init__(self, parts, tenant: Tenant) -> None:
        self.parts = parts
        self.context = Context(parts=parts, tenant=tenant, base_url="http://test/fhir")

    async def __call__(self, kind: str, resource_type=None, id_=None, body=None, *, prefer="", **fields: Any) -> Reply:
        conditions = Conditions(**{k: fields.pop(k) for k in list(fields) if k.startswith("if_")})
        interaction = Interaction(
            kind=kind, resource_type=resource_type, id=id_, body=body, conditions=conditions,
            preferences=Preferences(returning=prefer), **fields,
        )  # fmt: skip
        return await perform(interaction, self.context)

    async def create(self, resource: dict) -> dict:
        return content(await self("create", resource["resourceType"], body=resource))

    async def bundle(self, *entries: dict, type_: str = "transaction", prefer: str = "") -> dict:
        body = {"resourceType": "Bundle", "type": type_, "entry": list(entries)}
        return content(await self(type_, body=body, prefer=prefer))

    async def search(self, resource_type: str, *pairs: tuple[str, str]) -> dict:
        return content(await self("search-type", resource_type, parameters=pairs))


def content(reply: Reply) -> dict:
    """Return the JSON a client would see."""
    from fhir_server.spec import json_format

    raw = reply.body if reply.body is not None else json_format.encode(reply.resource)
    return json.loads(raw)


def entry(method: str, url: str, resource: dict | None = None, full_url: str = "", **request: str) -> dict:
    """Return a Bundle entry."""
    made: dict = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


@pytest.fixture
async def desk(database_url):
    settings = Settings(database_url=database_url, auth="off", link_secret="tests", _env_file=None)
    parts = await build_parts(settings)
    try:
        yield Desk(parts, Tenant(await parts.store.tenant_key("default"), "default"))
    finally:
        await parts.store.close()

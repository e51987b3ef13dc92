"""`fhir-server reindex`: derives the search entries of every resource anew, e.g. after a new search parameter."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from fhir_server.cli.load import in_process
from fhir_server.interactions.reindexing import reindex_tenant
from fhir_server.kernel.settings import Settings


def command(
    tenant: Annotated[str, typer.Option(help="The tenant; the default tenant where none is named.")] = "",
) -> None:
    """Derive the search entries of all resources of a tenant anew. No version is made."""
    console = Console(stderr=True)
    with console.status("Reindexing"):
        count = asyncio.run(_reindex(tenant))
    console.print(f"{count:,} resources reindexed.")


async def _reindex(tenant: str) -> int:
    async with in_process(Settings(), tenant) as context:
        return await reindex_tenant(context.parts, context.tenant.key)

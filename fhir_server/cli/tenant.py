"""`fhir-server tenant`: makes and lists tenants, each served at `/t/NAME/fhir`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fhir_server.store.store import Store

_REFUSED = 2

command = typer.Typer(no_args_is_help=True, help="Make and list tenants.")

DatabaseUrl = Annotated[str | None, typer.Option(help="As FHIR_SERVER_DATABASE_URL.")]


@command.command()
def create(
    name: Annotated[str, typer.Argument(help="Letters, digits, `-`, `_`.")], database_url: DatabaseUrl = None
) -> None:
    """Make a tenant."""

    async def make(store: Store) -> None:
        key = await store.create_tenant(name)
        typer.echo(f"tenant {name} has key {key}; it is served at /t/{name}/fhir")

    _with_store(database_url, make)


@command.command("list")
def list_(database_url: DatabaseUrl = None) -> None:
    """Show all tenants: key and name."""

    async def show(store: Store) -> None:
        for key, name in await store.tenants():
            typer.echo(f"{key}\t{name}")

    _with_store(database_url, show)


def _with_store(database_url: str | None, work: Callable[[Store], Awaitable[None]]) -> None:
    from fhir_server.kernel.errors import Refusal  # noqa: PLC0415 - slow, and `--help` does without
    from fhir_server.kernel.settings import Settings  # noqa: PLC0415
    from fhir_server.store.store import Store  # noqa: PLC0415

    settings = Settings()
    if database_url:
        settings = settings.model_copy(update={"database_url": database_url})

    async def run() -> None:
        store = await Store.open(settings)
        try:
            await work(store)
        finally:
            await store.close()

    try:
        asyncio.run(run())
    except Refusal as refusal:
        typer.secho(refusal.diagnostics, fg="red", err=True)
        raise typer.Exit(_REFUSED) from None

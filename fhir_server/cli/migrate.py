"""`fhir-server migrate`: brings the database's tables up to what this server needs."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    database_url: Annotated[str | None, typer.Option(help="As FHIR_SERVER_DATABASE_URL.")] = None,
) -> None:
    """Run the migrations that are missing. Several at once wait for each other; a second run changes nothing."""
    from fhir_server.kernel.settings import Settings  # noqa: PLC0415 - slow, and `--help` does without
    from fhir_server.store.schema import migrate, revision_of  # noqa: PLC0415

    url = database_url or Settings().database_url
    before = revision_of(url)
    after = migrate(url)
    typer.echo(f"revision {after}" if before != after else f"revision {after}, as before")

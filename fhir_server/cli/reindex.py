"""`fhir-server reindex`: derives the search entries of every resource anew, e.g. after a new search parameter.

Restart the servers first where what they index changed. A run that was stopped is simply run again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fhir_server.cli.load import in_process
from fhir_server.interactions.reindexing import JOB, count_living, known_types, reindex_tenant
from fhir_server.kernel.errors import Refusal, TimedOut, Unavailable
from fhir_server.kernel.settings import Settings

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context

_REFUSED = 2
_RETRY = {"max_retries": 1, "interval_start": 0.2}


def command(
    *,
    tenant: Annotated[str, typer.Option(help="The tenant; the default tenant where none is named.")] = "",
    types: Annotated[
        list[str] | None, typer.Option("--type", help="A type of resource; may be repeated. All where none is named.")
    ] = None,
    base_url: Annotated[
        str,
        typer.Option(
            help="What absolute references to this server's own resources begin with, as FHIR_SERVER_BASE_URL. Where both are empty, http://127.0.0.1:8000/fhir."
        ),
    ] = "",
    background: Annotated[
        bool, typer.Option("--background", help="Let the worker do it (FHIR_SERVER_REDIS_URL).")
    ] = False,
) -> None:
    """Derive the search entries of all resources of a tenant anew. No version is made; others may write meanwhile."""
    console = Console(stderr=True)
    try:
        settings = Settings()
        if background and not settings.redis_url:
            raise Unavailable(
                "There is no worker to hand this to: set FHIR_SERVER_REDIS_URL, or leave --background out"
            )
        if base_url:
            settings = settings.model_copy(update={"base_url": base_url})
        asyncio.run(_reindex(settings, tenant, types or [], console, background=background))
    except Refusal as refusal:
        typer.secho(refusal.diagnostics, fg="red", err=True)
        raise typer.Exit(_REFUSED) from None


async def _reindex(settings: Settings, tenant: str, types: list[str], console: Console, *, background: bool) -> None:
    async with in_process(settings, tenant) as context:
        known_types(context.parts, types)
        if background:
            job = hand_over(settings.redis_url, context.tenant.name, types, context.base_url)
            console.print(f"Handed to the worker as job {job}.")
        else:
            count = await _with_bar(context, types, console)
            console.print(f"{count:,} resources reindexed.")


async def _with_bar(context: Context, types: list[str], console: Console) -> int:
    parts, key = context.parts, context.tenant.key
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Reindexing", total=None)
        with suppress(TimedOut):  # So many that counting takes too long: the bar goes without an end.
            bar.update(task, total=await count_living(parts, key, types))
        return await reindex_tenant(
            parts,
            key,
            types=types,
            base_url=context.base_url,
            progress=lambda done: bar.update(task, completed=done),
        )


def hand_over(redis_url: str, tenant: str, types: list[str], base_url: str) -> str:
    """Put the job where the worker finds it; return the job's id. Raises Unavailable."""
    try:
        from celery import Celery  # noqa: PLC0415 - an extra, for those who have a worker
        from kombu.exceptions import OperationalError  # noqa: PLC0415
    except ImportError:
        raise Unavailable("Celery is not installed: pip install 'fhir-server[worker]'") from None
    sender = Celery("fhir_server", broker=redis_url, set_as_current=False)
    try:
        job = sender.send_task(JOB, args=[tenant, types, base_url], retry_policy=_RETRY)
    except OperationalError:
        raise Unavailable("Redis does not answer at FHIR_SERVER_REDIS_URL; nothing was handed over") from None
    finally:
        sender.close()
    return str(job.id)

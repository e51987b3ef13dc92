"""`fhir-server sample-data`: makes a believable clinic of our own, to look at, to test with, to measure with."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, date, datetime
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fhir_server.cli.load import in_parallel, in_process, report
from fhir_server.interactions.loading import Loaded, load
from fhir_server.kernel.clock import SystemClock
from fhir_server.kernel.settings import Settings
from fhir_server.sample_clinic.generate import sample_clinic
from fhir_server.spec import json_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fhir_server.interactions.interaction import Resource


def command(
    *,
    patients: Annotated[int, typer.Option(min=0, help="How many patients; about 55 resources each.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed and start make the same clinic, to the byte.")] = 1,
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day the clinic is seen on; today where absent.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="A file for one Bundle a line (NDJSON), or a folder for one Bundle a file; else the output."),
    ] = None,
    into: Annotated[bool, typer.Option("--load", help="Load it into the server's database instead.")] = False,
    tenant: Annotated[str, typer.Option(help="The tenant to load into, with --load.")] = "",
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Bundles loaded at the same time.")] = 4,
) -> None:
    """Make a sample clinic: transaction Bundles, first the clinic itself, then one for each patient."""
    console = Console(stderr=True)
    on = start.date() if start else _today()
    with _progress_bar(console) as progress:
        bundles = progress.track(sample_clinic(patients, seed, on), total=patients + 1, description="Sample clinic")
        if into:
            loaded = asyncio.run(_load(bundles, tenant, concurrency))
        elif output is None:
            _write(bundles, sys.stdout.buffer.write)
        elif output.is_dir() or not output.suffix:
            _write_folder(bundles, output)
        else:
            with output.open("wb") as file:
                _write(bundles, file.write)
    if into:
        report(loaded.counts, [(None, refused) for refused in loaded.refused], console)
        if loaded.refused:
            raise typer.Exit(1)


def _today() -> date:
    return datetime.fromtimestamp(SystemClock().now() / 1_000_000, UTC).date()


async def _load(bundles: Iterable[Resource], tenant: str, concurrency: int) -> Loaded:
    loaded = Loaded()
    async with in_process(Settings(), tenant) as context:

        async def one(bundle: Resource) -> None:
            taken = await load([bundle], context)
            loaded.counts.update(taken.counts)
            loaded.refused += taken.refused

        await in_parallel(iter(bundles), one, concurrency)
    return loaded


def _write(bundles: Iterable[Resource], write: Callable[[bytes], object]) -> None:
    for bundle in bundles:
        write(json_format.encode(bundle) + b"\n")


def _write_folder(bundles: Iterable[Resource], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, bundle in enumerate(bundles):
        (folder / f"{number:07d}.json").write_bytes(json_format.encode(bundle) + b"\n")


def _progress_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )

"""`fhir-server sample-data`: makes a believable clinic of our own, to look at, to test with, to measure with."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

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
    from collections.abc import Callable, Iterable, Iterator

    from fhir_server.interactions.interaction import Resource

SECONDS_BETWEEN_LOOKS = 0.2


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
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Bundles a process loads at the same time.")] = 4,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the loading.")] = 1,
) -> None:
    """Make a sample clinic: transaction Bundles, first the clinic itself, then one for each patient."""
    console = Console(stderr=True)
    clinic = _Asked(patients, seed, start.date() if start else _today(), tenant, concurrency)
    with _progress_bar(console) as progress:
        if into:
            loaded = _load_with(workers, clinic, progress)
        else:
            bundles = progress.track(clinic.bundles(), total=patients + 1, description="Sample clinic")
            _write_to(output, bundles)
    if into:
        report(loaded.counts, [("", refused) for refused in loaded.refused], console)
        if loaded.refused:
            raise typer.Exit(1)
    elif output:
        console.print(f"{patients + 1:,} Bundles in {output}", highlight=False)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for; `part` is the share of one of several processes."""

    patients: int
    seed: int
    start: date
    tenant: str
    concurrency: int
    part: tuple[int, int] = (0, 1)

    def bundles(self) -> Iterator[Resource]:
        """Yield the Bundles of this share."""
        return sample_clinic(self.patients, self.seed, self.start, part=self.part)


def _today() -> date:
    return datetime.fromtimestamp(SystemClock().now() / 1_000_000, UTC).date()


def _load_with(workers: int, clinic: _Asked, progress: Progress) -> Loaded:
    """Load in this process, or in several that each take their share and count how far they are."""
    if workers == 1:
        bundles = progress.track(clinic.bundles(), total=clinic.patients + 1, description="Sample clinic")
        return asyncio.run(_load(bundles, clinic))
    loaded = Loaded()
    task = progress.add_task("Sample clinic", total=clinic.patients + 1)
    spawning = multiprocessing.get_context("spawn")
    done: Any = spawning.Value("q", 0)
    with ProcessPoolExecutor(workers, mp_context=spawning, initializer=_count_in, initargs=(done,)) as pool:
        shares = [pool.submit(_load_share, replace(clinic, part=(n, workers))) for n in range(workers)]
        while not all(share.done() for share in shares):
            progress.update(task, completed=done.value)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        progress.update(task, completed=done.value)
        for share in shares:
            _add(loaded, share.result())
    return loaded


_done: Any = None
"""In a process that loads a share: how many Bundles all of them have begun. Set by `_count_in` alone."""


def _count_in(done: Any) -> None:
    global _done  # noqa: PLW0603 - the one way a process of a pool is handed shared memory
    _done = done


def _load_share(clinic: _Asked) -> Loaded:
    def counted() -> Iterator[Resource]:
        for bundle in clinic.bundles():
            with _done.get_lock():
                _done.value += 1
            yield bundle

    return asyncio.run(_load(counted(), clinic))


async def _load(bundles: Iterable[Resource], clinic: _Asked) -> Loaded:
    loaded = Loaded()
    async with in_process(Settings(), clinic.tenant) as context:

        async def one(bundle: Resource) -> None:
            _add(loaded, await load([bundle], context))

        await in_parallel(iter(bundles), one, clinic.concurrency)
    return loaded


def _add(loaded: Loaded, more: Loaded) -> None:
    loaded.counts.update(more.counts)
    loaded.refused += more.refused


def _write_to(output: Path | None, bundles: Iterable[Resource]) -> None:
    if output is None:
        _write(bundles, sys.stdout.buffer.write)
    elif output.is_dir() or not output.suffix:
        _write_folder(bundles, output)
    else:
        with output.open("wb") as file:
            _write(bundles, file.write)


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

"""`fhir-server definitions build SOURCE`: makes the definition pack from a FHIR core package."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fhir_server.spec.pack_building import build_pack, write_pack

command = typer.Typer(name="definitions", help="The definitions this server works from.", no_args_is_help=True)


@command.callback()
def group() -> None:
    """Keep `build` a command of its own: Typer would fold a single one into the group."""


@command.command()
def build(
    source: Annotated[
        Path, typer.Argument(help="The core package: an archive (.tar.xz, .tgz).", exists=True, dir_okay=False)
    ],
    into: Annotated[Path, typer.Option(help="The folder to write the pack to.")] = Path("profiles/r4"),
) -> None:
    """Build the pack of definitions: facts only, the same bytes for the same package."""
    try:
        files = build_pack(source)
    except (ValueError, OSError, tarfile.TarError) as fault:
        raise typer.BadParameter(
            f"{source} is no FHIR package ({fault}): take hl7.fhir.r4.core 4.0.1, as packages.fhir.org has it",
            param_hint="SOURCE",
        ) from fault
    write_pack(files, into)
    size = sum(len(content) for content in files.values())
    Console().print(f"{len(files)} files, {size:,} bytes in {into}")

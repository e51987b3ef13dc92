"""The command `fhir-server`. Each command is a file; it is imported when it is called, so that the others stay fast."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

COMMANDS: tuple[str, ...] = (
    "fhir_server.cli.serve:command",
    "fhir_server.cli.load:command",
    "fhir_server.cli.sample_data:command",
    "fhir_server.cli.migrate:command",
    "fhir_server.cli.tenant:command",
    "fhir_server.cli.definitions:command",
    "fhir_server.cli.reindex:command",
    "fhir_server.cli.version:command",
)
"""Where the commands are: `module:attribute`. The module's name is the command's; the attribute is a function,
or a `typer.Typer` where the command has commands of its own."""


def name_of(place: str) -> str:
    """Return the name of a command: `fhir_server.cli.sample_data:command` -> `sample-data`."""
    return place.partition(":")[0].rpartition(".")[2].replace("_", "-")


def command_at(place: str) -> Any:
    """Import a command. Raises ImportError or AttributeError where there is none."""
    module, _, attribute = place.partition(":")
    command = getattr(import_module(module), attribute)
    if isinstance(command, typer.Typer):
        group = get_group(command)
        group.name = name_of(place)
        return group
    alone = typer.Typer(add_completion=False)
    alone.command(name_of(place))(command)
    return get_command(alone)


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature of typer
        """Return the names in the order of the manifest."""
        return [name_of(place) for place in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature of typer
        """Return the command of that name, None where there is none."""
        return next((command_at(place) for place in COMMANDS if name_of(place) == cmd_name), None)


app = typer.Typer(
    cls=LazyGroup,
    name="fhir-server",
    help="A FHIR R4 server.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold what resources hold
)


@app.callback()
def group() -> None:
    """Make a group of the commands that are found by name."""


def main() -> None:
    """Run the command line."""
    app()

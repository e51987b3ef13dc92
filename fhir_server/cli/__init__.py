"""The command `fhir-server`. Each command is a file; it is imported when it is called, so that the others stay fast."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

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


_WRONG = 2
_WITHOUT_SETTINGS = frozenset({"version", "definitions", None})


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

    def invoke(self, ctx: Any) -> Any:
        """Run the command; answer a mistake of the caller with a sentence."""
        try:
            return super().invoke(ctx)
        except Exception as fault:
            from fhir_server.cli.mistakes import sentence_for  # noqa: PLC0415 - only where there is a fault

            sentence = sentence_for(fault)
            if not sentence:
                raise
            typer.secho(sentence, fg="red", err=True)
            raise typer.Exit(_WRONG) from None


app = typer.Typer(
    cls=LazyGroup,
    name="fhir-server",
    help="A FHIR R4 server.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold what resources hold
)


def _say_version(wanted: bool) -> None:  # noqa: FBT001 - the signature of typer
    if wanted:
        from fhir_server.cli.version import command  # noqa: PLC0415 - as every command

        command()
        raise typer.Exit


@app.callback()
def group(
    ctx: typer.Context,
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="As the command version.")
    ] = False,
) -> None:
    """Make a group of the commands that are found by name."""
    if ctx.invoked_subcommand not in _WITHOUT_SETTINGS:
        from fhir_server.cli.mistakes import unknown_settings  # noqa: PLC0415 - slow, and `version` does without

        for warning in unknown_settings():
            typer.secho(warning, fg="yellow", err=True)


def main() -> None:
    """Run the command line."""
    app()

"""Writes docs/settings.md and docs/cli.md from the code: `python docs/make.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fhir_server.cli import COMMANDS, command_at, name_of
from fhir_server.kernel.settings import Settings

HERE = Path(__file__).resolve().parent


def settings_page() -> str:
    """Return the page of all settings."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable (or a line of `.env`). Made by `python docs/make.py`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = json.dumps(field.default)
        lines.append(f"| `FHIR_SERVER_{name.upper()}` | `{default}` | {field.description} |")
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """Return the page of all commands."""
    lines = ["# Command line", "", "`fhir-server COMMAND --help` says the same. Made by `python docs/make.py`.", ""]
    for name, command in sorted((name_of(place), command_at(place)) for place in COMMANDS):
        lines += [f"## `fhir-server {name}`", "", (command.help or "").strip(), ""]
        parts = getattr(command, "commands", {name: command})
        for part_name, part in sorted(parts.items()):
            if part is not command:
                lines += [f"### `fhir-server {name} {part_name}`", "", (part.help or "").strip(), ""]
            for parameter in part.params:
                shown = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name.upper()
                lines.append(f"- `{shown}`: {getattr(parameter, 'help', '') or ''}{_default(parameter)}".rstrip(": "))
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _default(parameter: Any) -> str:
    """Return what is taken where the option is absent; flags and empty words go without saying."""
    default = parameter.default
    return f" Default: `{default}`." if isinstance(default, str | int | Path) and default not in {"", False} else ""


if __name__ == "__main__":
    (HERE / "settings.md").write_text(settings_page())
    (HERE / "cli.md").write_text(cli_page())

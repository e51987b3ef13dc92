"""`fhir-server version`: which server this is."""

from __future__ import annotations

import platform

import typer

import fhir_server


def command() -> None:
    """Print the versions of the server, of FHIR and of Python."""
    typer.echo(f"fhir-server {fhir_server.__version__}, FHIR R4 (4.0.1), Python {platform.python_version()}")

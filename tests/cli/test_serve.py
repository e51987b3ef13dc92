"""The command line: it starts what may be started, and says why it does not start the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import fhir_server
from fhir_server.cli import COMMANDS, app, command_at, name_of
from fhir_server.cli import serve as serving

EVERYWHERE = "0.0.0.0"  # noqa: S104 - that it is refused is what is tested


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command line; what uvicorn would be told is in `.told`."""
    told = []
    monkeypatch.setattr(serving, "_run", lambda *args: told.append(args))
    monkeypatch.setattr(serving, "_refuse_taken", lambda *_: None)  # others may listen there
    monkeypatch.chdir(tmp_path)
    for name in ("AUTH", "INSECURE", "DATABASE_URL", "LINK_SECRET"):
        # Set and deleted, so that what the command sets is undone.
        monkeypatch.setenv(f"FHIR_SERVER_{name}", "")
        monkeypatch.delenv(f"FHIR_SERVER_{name}")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    def run(*args):
        result = CliRunner().invoke(app, [*args])
        result.told = told
        return result

    return run


@pytest.mark.parametrize("place", COMMANDS)
def test_every_command_of_the_manifest_is_there(place):
    command = command_at(place)
    assert command.name == name_of(place)
    assert command.help, "a command says what it does"


def test_commands_are_listed(run):
    result = run("--help")
    assert result.exit_code == 0
    for place in COMMANDS:
        assert name_of(place) in result.output


def test_version_names_the_server_and_fhir(run):
    assert f"fhir-server {fhir_server.__version__}, FHIR R4 (4.0.1)" in run("version").output


def test_version_imports_no_server():
    code = (
        "import sys; from fhir_server.cli import command_at; command_at('fhir_server.cli.version:command');"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'sqlalchemy', 'fastapi', 'uvicorn', 'pydantic'}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_without_a_word_on_authorization_it_does_not_start_and_says_the_way_out(run):
    result = run("serve")
    assert (result.exit_code, result.told) == (2, [])
    assert "--auth off" in result.output


@pytest.mark.parametrize("host", [EVERYWHERE, "192.168.1.5", "::", "ehr.example"])
def test_without_authorization_it_binds_loopback_only(run, host):
    result = run("serve", "--auth", "off", "--host", host)
    assert (result.exit_code, result.told) == (2, [])
    assert "--insecure" in result.output


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_it_starts_and_says_what_to_open(run, host):
    result = run("serve", "--auth", "off", "--host", host, "--port", "8123")
    assert (result.exit_code, result.told) == (0, [(host, 8123, 1)])
    assert ":8123/fhir" in result.output
    assert "No authorization" in result.output


def test_insecure_lets_it_bind_anything(run):
    result = run("serve", "--auth", "off", "--insecure", "--host", EVERYWHERE)
    assert (result.exit_code, result.told) == (0, [(EVERYWHERE, 8000, 1)])


def test_several_workers_share_the_secret_of_their_links(run):
    import os

    assert run("serve", "--auth", "off", "--workers", "2").told == [("127.0.0.1", 8000, 2)]
    assert len(os.environ["FHIR_SERVER_LINK_SECRET"]) >= 32

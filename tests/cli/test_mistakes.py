"""A mistake of the user is answered by a sentence that says the way out, never by a traceback."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fhir_server.cli import app, serve
from fhir_server.kernel.settings import Settings


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(serve, "_run", lambda *_: None)
    for name in ("AUTH", "INSECURE", "DATABASE_URL"):
        monkeypatch.setenv(f"FHIR_SERVER_{name}", "")
        monkeypatch.delenv(f"FHIR_SERVER_{name}")
    (tmp_path / "in.json").write_text('{"resourceType": "Patient", "id": "a"}')
    return lambda *args: CliRunner().invoke(app, list(args))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def answered(result, *parts):
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    text = " ".join(result.output.replace("│", " ").split())
    for part in parts:
        assert part in text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("MAX_COUNT", "many", "a valid integer"),
        ("POOL_SIZE", "0", "greater than or equal to 1"),
        ("CORS_ORIGINS", "https://a.example", 'a JSON list, e.g. ["https://app.example"]'),
    ],
)
def test_a_wrong_setting_is_named(run, monkeypatch, name, value, said):
    monkeypatch.setenv(f"FHIR_SERVER_{name}", value)
    answered(run("migrate"), f"FHIR_SERVER_{name}", said, "docs/settings.md")


def test_every_wrong_setting_is_named_at_once(run, monkeypatch):
    monkeypatch.setenv("FHIR_SERVER_MAX_COUNT", "many")
    monkeypatch.setenv("FHIR_SERVER_AUTH", "no")
    answered(run("tenant", "list"), "FHIR_SERVER_MAX_COUNT", "FHIR_SERVER_AUTH")


def test_a_setting_that_is_none_is_warned_of(run, monkeypatch):
    monkeypatch.setenv("FHIR_SERVER_DEFALT_COUNT", "3")
    result = run("migrate")
    assert result.exit_code == 0
    assert "FHIR_SERVER_DEFALT_COUNT is no setting; did you mean FHIR_SERVER_DEFAULT_COUNT?" in result.output


@pytest.mark.parametrize(
    "command",
    [
        ["migrate"],
        ["serve", "--auth", "off"],
        ["tenant", "list"],
        ["load", "."],
        ["reindex"],
        ["sample-data", "--load"],
    ],
    ids=lambda words: words[0],
)
class TestADatabaseThatCannotBeUsed:
    """Each command that opens the database says so."""

    @pytest.fixture(autouse=True)
    def _any_port_is_free(self, monkeypatch):
        monkeypatch.setattr(serve, "_refuse_taken", lambda *_: None)

    def test_no_such_folder(self, run, monkeypatch, tmp_path, command):
        monkeypatch.setenv("FHIR_SERVER_DATABASE_URL", f"sqlite:///{tmp_path}/none/fhir.db")
        answered(run(*command), "unable to open database file", "FHIR_SERVER_DATABASE_URL")

    def test_no_database_file(self, run, monkeypatch, tmp_path, command):
        (tmp_path / "fhir.db").write_text("not a database " * 100)
        monkeypatch.setenv("FHIR_SERVER_DATABASE_URL", "sqlite:///fhir.db")
        answered(run(*command), "file is not a database", "FHIR_SERVER_DATABASE_URL")

    def test_a_database_we_do_not_know(self, run, monkeypatch, command):
        monkeypatch.setenv("FHIR_SERVER_DATABASE_URL", "mysql://user:hunter2@host/db")
        result = run(*command)
        answered(result, "sqlite:///FILE", "postgresql://USER:PASSWORD@HOST/DATABASE")
        assert "hunter2" not in result.output

    def test_nobody_answers(self, run, monkeypatch, command):
        with socket.socket() as held:  # bound and not listening: nobody answers there
            held.bind(("127.0.0.1", 0))
            url = f"postgresql://user:hunter2@127.0.0.1:{held.getsockname()[1]}/db"
            monkeypatch.setenv("FHIR_SERVER_DATABASE_URL", url)
            result = run(*command)
        answered(result, "PostgreSQL", "Connection refused", "FHIR_SERVER_DATABASE_URL")
        assert "hunter2" not in result.output


@pytest.mark.parametrize("command", [["serve", "--auth", "off", "--port", "{port}"], ["load", "."], ["tenant", "list"]])
def test_a_default_tenant_that_cannot_be_is_said(run, monkeypatch, command):
    monkeypatch.setenv("FHIR_SERVER_DEFAULT_TENANT", "a b")
    answered(run(*(word.format(port=free_port()) for word in command)), "DEFAULT_TENANT: 1 to 64 letters")


def test_a_database_of_a_later_server_is_said(run, monkeypatch, tmp_path):
    assert run("migrate").exit_code == 0
    with sqlite3.connect(tmp_path / "fhir.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    answered(run("serve", "--auth", "off", "--port", free_port()), "9999")


def test_a_file_that_cannot_be_written_is_said(run):
    answered(
        run("sample-data", "--patients", "0", "--output", "none/clinic.ndjson"), "none/clinic.ndjson", "No such file"
    )


def test_a_port_that_is_taken_is_said_before_anything_is_promised(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "--auth", "off", "--port", str(port))
    answered(result, f"port {port}", "--port")
    assert "FHIR R4 at" not in result.output


def test_an_address_that_is_not_ours_is_said(run):
    answered(run("serve", "--auth", "off", "--insecure", "--host", "192.0.2.1"), "192.0.2.1", "--host")


def test_an_unknown_tenant_is_answered_by_how_to_make_it(run):
    run("migrate")
    answered(run("reindex", "--tenant", "south"), "fhir-server tenant create south")


def test_an_archive_that_is_none_is_said(run, tmp_path):
    (tmp_path / "core.tgz").write_text("no archive")
    answered(run("definitions", "build", "core.tgz"), "is no FHIR package", "hl7.fhir.r4.core")


def test_version_is_an_option_too(run):
    assert run("--version").output == run("version").output


def test_no_mistake_shows_a_secret(run, monkeypatch):
    monkeypatch.setenv("FHIR_SERVER_MAX_COUNT", "many")
    monkeypatch.setenv("FHIR_SERVER_LINK_SECRET", "hunter2")
    assert "hunter2" not in run("migrate").output


def test_a_fault_of_ours_stays_a_traceback(run, monkeypatch):
    def fails(*_, **__):
        raise ValueError("ours")

    monkeypatch.setattr(Settings, "__init__", fails)
    assert isinstance(run("migrate").exception, ValueError)


def test_a_log_that_is_no_terminal_has_no_colours():
    code = "from fhir_server.kernel import log; log.configure('info', 'console'); import structlog; structlog.get_logger().info('request', status=200)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"FORCE_COLOR": ""}
    ).stderr
    assert "\x1b" not in shown
    assert "request status=200" in shown

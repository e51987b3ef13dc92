"""`fhir-server sample-data` writes or loads the sample clinic."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter

import pytest
from typer.testing import CliRunner

from fhir_server.cli import app
from fhir_server.spec import json_format
from fhir_server.spec.packages import load_definitions
from fhir_server.validator.validate import Validator

ARGUMENTS = ["sample-data", "--patients", "12", "--seed", "5", "--start", "2026-03-04"]


def run(*options):
    return CliRunner().invoke(app, [*ARGUMENTS, *map(str, options)])


def test_a_file_holds_one_bundle_a_line(tmp_path):
    assert run("--output", tmp_path / "a.ndjson").exit_code == 0
    bundles = [json.loads(line) for line in (tmp_path / "a.ndjson").read_bytes().splitlines()]
    assert len(bundles) == 13
    assert {b["type"] for b in bundles} == {"transaction"}


def test_the_same_arguments_write_the_same_bytes(tmp_path):
    run("--output", tmp_path / "a.ndjson")
    run("--output", tmp_path / "b.ndjson")
    assert (tmp_path / "a.ndjson").read_bytes() == (tmp_path / "b.ndjson").read_bytes()


def test_a_folder_holds_one_bundle_a_file(tmp_path):
    assert run("--output", tmp_path / "clinic").exit_code == 0
    assert len(list((tmp_path / "clinic").glob("*.json"))) == 13


def test_every_resource_is_valid(tmp_path):
    run("--output", tmp_path / "a.ndjson", "--patients", "60")
    validator = Validator(load_definitions())
    for line in (tmp_path / "a.ndjson").read_bytes().splitlines():
        for entry in json_format.decode(line)["entry"]:
            assert validator.check(entry["resource"]) == []


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "fhir.db"
    monkeypatch.setenv("FHIR_SERVER_DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("FHIR_SERVER_AUTH", "off")
    return path


def counts_in(database):
    with sqlite3.connect(database) as connection:
        tables = ("patient", "observation", "slot", "location", "claim")
        return Counter({t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables})  # noqa: S608 - names of ours


def test_loading_twice_duplicates_nothing(database):
    first = run("--load")
    assert first.exit_code == 0, first.output
    counts = counts_in(database)
    assert counts["patient"] == 12
    assert counts["location"] == 16
    assert run("--load").exit_code == 0
    assert counts_in(database) == counts


def test_several_processes_load_the_same_clinic_as_one(database):
    assert run("--load", "--workers", "2").exit_code == 0
    counts = counts_in(database)
    run("--load")
    assert counts_in(database) == counts
    assert counts["patient"] == 12

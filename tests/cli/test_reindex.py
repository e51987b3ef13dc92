"""`fhir-server reindex` restores what searches stand on, or says why it does not."""

from __future__ import annotations

import json
import sqlite3

import pytest
from services import redis
from typer.testing import CliRunner

from fhir_server.cli import app


class Desk:
    """A database with two patients in it."""

    def __init__(self, folder, monkeypatch):
        self.database = folder / "fhir.db"
        for name in ("REDIS_URL", "BASE_URL", "DEFAULT_TENANT"):
            monkeypatch.delenv(f"FHIR_SERVER_{name}", raising=False)
        monkeypatch.setenv("FHIR_SERVER_DATABASE_URL", f"sqlite:///{self.database}")
        monkeypatch.setenv("FHIR_SERVER_AUTH", "off")
        monkeypatch.chdir(folder)
        given = folder / "in.ndjson"
        resources = [
            {"resourceType": "Patient", "id": "a", "active": True},
            {"resourceType": "Patient", "id": "b", "active": False},
            {
                "resourceType": "Flag",
                "id": "a",
                "status": "active",
                "code": {"text": "x"},
                "subject": {"reference": "https://clinic.example/fhir/Patient/a"},
            },
        ]
        given.write_text("\n".join(map(json.dumps, resources)))
        assert self.run("load", str(given)).exit_code == 0
        self.before = self.entries()

    def run(self, *words):
        return CliRunner().invoke(app, list(words))

    def sql(self, text):
        connection = sqlite3.connect(self.database)
        with connection:
            rows = connection.execute(text).fetchall()
        connection.close()
        return rows

    def entries(self):
        return self.sql("SELECT id, h, v FROM patient ORDER BY id"), self.sql("SELECT h, rid FROM patient_ix")

    def damage(self):
        self.sql("UPDATE patient SET h = NULL, v = NULL")
        self.sql("DELETE FROM patient_ix")


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return Desk(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param([], 3, id="everything"),
        pytest.param(["--tenant", "default"], 3, id="a tenant"),
        pytest.param(["--type", "Patient"], 2, id="a type"),
        pytest.param(["--type", "Patient", "--type", "Observation"], 2, id="types"),
    ],
)
def test_reindexing_restores_the_entries_and_says_how_many(desk, options, count):
    desk.damage()
    result = desk.run("reindex", *options)
    assert result.exit_code == 0, result.output
    assert f"{count} resources reindexed" in result.output
    assert desk.entries() == desk.before


def test_a_type_that_is_not_named_is_left_alone(desk):
    desk.damage()
    assert "1 resources reindexed" in desk.run("reindex", "--type", "Flag").output
    assert desk.entries() != desk.before


def test_the_base_url_says_which_references_are_local(desk):
    assert desk.sql("SELECT patient FROM flag") == [(None,)]
    assert desk.run("reindex", "--base-url", "https://clinic.example/fhir").exit_code == 0
    assert desk.sql("SELECT patient FROM flag") == [("a",)]


def test_another_tenant_has_a_base_url_of_its_own(desk):
    assert desk.run("tenant", "create", "north").exit_code == 0
    [(key,)] = desk.sql("SELECT key FROM tenant WHERE name = 'north'")
    desk.sql(f"UPDATE flag SET tenant = {key}")  # noqa: S608 - a number
    words = ("reindex", "--tenant", "north", "--base-url")
    assert "1 resources" in desk.run(*words, "https://clinic.example/fhir").output
    assert desk.sql("SELECT patient FROM flag") == [(None,)], "the reference is into the default tenant"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--type", "Pateint"], "did you mean Patient", id="an unknown type"),
        pytest.param(["--tenant", "nobody"], "There is no tenant 'nobody'", id="an unknown tenant"),
        pytest.param(["--background"], "FHIR_SERVER_REDIS_URL", id="no worker"),
    ],
)
def test_what_cannot_be_done_is_refused(desk, options, said):
    desk.damage()
    result = desk.run("reindex", *options)
    assert result.exit_code == 2
    assert said in result.output
    assert desk.entries() != desk.before


def test_a_redis_that_does_not_answer_is_said(desk, monkeypatch):
    monkeypatch.setenv("FHIR_SERVER_REDIS_URL", f"redis://user:secret@127.0.0.1:{redis.free_port()}/0")
    result = desk.run("reindex", "--background")
    assert result.exit_code == 2
    assert "Redis does not answer" in result.output
    assert "secret" not in result.output


@pytest.mark.parametrize(
    "options", [["--tenant", "nobody"], ["--type", "Pateint"]], ids=["an unknown tenant", "an unknown type"]
)
def test_nothing_is_handed_over_that_the_worker_would_refuse(desk, monkeypatch, options):
    monkeypatch.setenv("FHIR_SERVER_REDIS_URL", f"redis://127.0.0.1:{redis.free_port()}/0")
    result = desk.run("reindex", "--background", *options)
    assert result.exit_code == 2
    assert "Redis" not in result.output

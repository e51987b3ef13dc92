"""`fhir-server load` takes what it can, says what it refused, and goes on where it was stopped."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from fhir_server.cli import app, load_inputs
from fhir_server.cli.load import journal_path
from fhir_server.kernel.settings import Settings
from fhir_server.store.store import Store


def patient(id_, **more):
    return {"resourceType": "Patient", "id": id_, **more}


def bundle(bundle_type, *entries):
    return {"resourceType": "Bundle", "type": bundle_type, "entry": list(entries)}


def put(resource):
    place = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": place}}


class Desk:
    """A database and a folder to load from."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.database = folder / "in", folder / "fhir.db"
        self.folder.mkdir()
        self.environment = {"FHIR_SERVER_DATABASE_URL": f"sqlite:///{self.database}", "FHIR_SERVER_AUTH": "off"}
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def give(self, name, *documents):
        text = "\n".join(d if isinstance(d, str) else json.dumps(d) for d in documents).encode()
        path = self.folder / name
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return path

    def load(self, *options):
        return CliRunner().invoke(app, ["load", str(self.folder), *options])

    def read(self, resource_type, id_):
        async def reading():
            store = await Store.open(Settings(_env_file=None))
            try:
                return await store.tenant(await store.tenant_key("default")).read(resource_type, id_)
            finally:
                await store.close()

        return json.loads(asyncio.run(reading()).body)

    def versions(self, table="patient"):
        with sqlite3.connect(self.database) as connection:
            return dict(connection.execute(f"SELECT id, version FROM {table}").fetchall())  # noqa: S608 - a name of ours


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return Desk(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("name", "documents"),
    [
        pytest.param("a.json", [patient("a")], id="a resource"),
        pytest.param("a.json.gz", [patient("a")], id="a resource in gzip"),
        pytest.param(
            "a.xml", ['<Patient xmlns="http://hl7.org/fhir"><id value="a"/></Patient>'], id="a resource in XML"
        ),
        pytest.param("a.ndjson", [patient("b"), "", patient("a")], id="NDJSON with an empty line"),
        pytest.param("a.ndjson.gz", [patient("b"), patient("a")], id="NDJSON in gzip"),
        pytest.param("a.json", [bundle("transaction", put(patient("a")))], id="a transaction"),
        pytest.param("a.json", [bundle("batch", put(patient("a")))], id="a batch"),
        pytest.param("a.json", [bundle("collection", {"resource": patient("a")})], id="a collection"),
        pytest.param(
            "a.json", [bundle("searchset", {"resource": patient("a"), "search": {"mode": "match"}})], id="a searchset"
        ),
        pytest.param("a.ndjson", [bundle("transaction", put(patient("a"))), patient("b")], id="Bundles in NDJSON"),
    ],
)
def test_it_loads(desk, name, documents):
    desk.give(name, *documents)
    result = desk.load()
    assert result.exit_code == 0, result.output
    assert desk.versions()["a"] == 1


def test_the_order_does_not_matter(desk):
    observation = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    desk.give("a.ndjson", {**observation, "subject": {"reference": "Patient/late"}}, patient("late"))
    assert desk.load().exit_code == 0
    assert desk.versions("observation") == {"o": 1}


def test_references_inside_a_collection_are_made_right_where_resources_have_no_id(desk):
    person = "urn:uuid:0f0e0d0c-0b0a-4a0b-8c0d-0e0f10111213"
    observation = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    observation["subject"] = {"reference": person}
    desk.give(
        "a.json",
        bundle("collection", {"fullUrl": person, "resource": {"resourceType": "Patient"}}, {"resource": observation}),
    )
    assert desk.load().exit_code == 0
    (id_,) = desk.versions()
    assert desk.read("Observation", "o")["subject"]["reference"] == f"Patient/{id_}"


def test_one_bad_resource_stops_no_other_and_is_named(desk):
    desk.give("a.ndjson", patient("a"), patient("b", gender="no such"), patient("c"))
    result = desk.load()
    assert result.exit_code == 1
    assert set(desk.versions()) == {"a", "c"}
    assert "2 resources loaded, 1 refused" in result.output
    assert "a.ndjson: line 2: Patient/b: 4" in result.output
    assert "Patient.gender" in result.output


def test_a_type_that_does_not_exist_is_refused_as_if_no_bundle_were_around_it(desk):
    desk.give("a.ndjson", patient("a"), "", {"resourceType": "Pateint", "id": "b"})
    result = desk.load()
    assert "a.ndjson: line 3: Pateint/b: 404" in result.output
    assert "Bundle.entry" not in result.output


@pytest.mark.parametrize("name", ["a.ndjson.gz", "a.json.gz"])
def test_a_file_that_is_no_gzip_stops_no_other(desk, name):
    (desk.folder / name).write_text("no gzip")
    desk.give("b.json", patient("b"))
    result = desk.load()
    assert result.exit_code == 1
    assert set(desk.versions()) == {"b"}
    assert f"{name}: file: 400" in " ".join(result.output.split())
    assert "gzip" in result.output


def test_a_gzip_that_is_cut_off_is_loaded_up_to_there(desk):
    path = desk.give("a.ndjson.gz", *(patient(f"p{n}") for n in range(3)))
    path.write_bytes(path.read_bytes()[:-12])
    result = desk.load()
    assert result.exit_code == 1
    assert "a.ndjson.gz: file: 400" in result.output


def test_where_there_is_nothing_to_load_it_is_said(desk):
    desk.give("notes.txt", "hello")
    result = desk.load()
    assert result.exit_code == 2
    assert ".ndjson" in result.output


def test_an_interruption_says_how_to_go_on(desk):
    desk.give("a.ndjson", *(patient(f"p{n}") for n in range(40_000)))
    # A shell starts what runs in the background with SIGINT ignored, and that would be inherited.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    start = f"{heeding}; from fhir_server.cli import main; main()"
    command = [sys.executable, "-c", start, "load", str(desk.folder)]
    environment = {**os.environ, **desk.environment}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    journal = journal_path(Settings(_env_file=None), "")
    deadline = time.monotonic() + 60
    while not journal.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "give the same command again" in said


def test_a_transaction_is_loaded_whole_or_not_at_all(desk):
    desk.give("a.json", bundle("transaction", put(patient("a")), put(patient("b", gender="no such"))))
    result = desk.load()
    assert result.exit_code == 1
    assert desk.versions() == {}
    assert "Bundle.entry[1]" in result.output


def test_a_batch_fails_entry_by_entry(desk):
    desk.give("a.json", bundle("batch", put(patient("a")), put(patient("b", gender="no such"))))
    result = desk.load()
    assert result.exit_code == 1
    assert set(desk.versions()) == {"a"}
    assert "Bundle.entry[1]" in result.output


@pytest.mark.parametrize("line", ["{not json", "[]", '"text"', "{}", '{"resourceType":"Patient","id":"a","id":"b"}'])
def test_what_is_no_resource_is_refused_with_its_line(desk, line):
    desk.give("a.ndjson", patient("a"), line)
    result = desk.load()
    assert result.exit_code == 1
    assert "a.ndjson: line 2: 400" in result.output
    assert set(desk.versions()) == {"a"}


def test_loading_again_does_nothing_unless_asked_to(desk):
    desk.give("a.ndjson", patient("a"))
    desk.load()
    assert "1 document was in already" in desk.load().output
    assert desk.versions() == {"a": 1}
    assert desk.load("--again").exit_code == 0
    assert desk.versions()["a"] >= 1
    assert "1 resource loaded" in desk.load("--again").output


def test_what_was_refused_is_tried_again(desk):
    desk.give("a.ndjson", patient("a"), patient("b", gender="no such"))
    desk.load()
    result = desk.load()
    assert "0 resources loaded, 1 refused; 1 document was in already" in result.output


def test_a_changed_file_is_another_input(desk):
    desk.give("a.ndjson", patient("a"))
    desk.load()
    desk.give("a.ndjson", patient("a"), patient("b"))
    desk.load()
    assert set(desk.versions()) == {"a", "b"}


def test_the_journal_of_a_database_that_was_thrown_away_does_not_hold(desk):
    desk.give("a.ndjson", patient("a"))
    desk.load()
    for file in desk.database.parent.glob("fhir.db*"):
        if not file.name.endswith(".journal"):
            file.unlink()
    assert desk.load().exit_code == 0
    assert desk.versions() == {"a": 1}


def test_an_interrupted_load_goes_on_where_it_was(desk):
    count = 3000
    desk.give("a.ndjson", *(patient(f"p{n}") for n in range(count)))
    command = [sys.executable, "-m", "fhir_server", "load", str(desk.folder)]
    process = subprocess.Popen(command, env={**os.environ, **desk.environment}, stderr=subprocess.DEVNULL)
    journal = journal_path(Settings(_env_file=None), "")
    deadline = time.monotonic() + 60
    while (not journal.exists() or journal.read_text().count("\n") < 2) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    first = set(desk.versions())
    assert 0 < len(first) < count
    result = desk.load()
    assert result.exit_code == 0, result.output
    versions = desk.versions()
    assert len(versions) == count
    # What was committed but not yet noted may be loaded a second time: at most the groups that were under way.
    assert sum(version > 1 for version in versions.values()) <= 4 * 100


def test_a_journal_cut_off_in_its_last_line_is_read_up_to_there(tmp_path):
    path = tmp_path / "journal"
    path.write_text('{"input": "x", "done": [1, 2]}\n{"input": "x", "do')
    journal = load_inputs.Journal.open(path, void=False)
    assert journal.has("x", 2)
    assert not journal.has("x", 3)


def test_an_unknown_tenant_is_said(desk):
    desk.give("a.ndjson", patient("a"))
    result = desk.load("--tenant", "nobody")
    assert result.exit_code == 2
    assert "nobody" in result.output


def test_another_tenant_is_loaded_apart(desk):
    assert CliRunner().invoke(app, ["tenant", "create", "north"]).exit_code == 0
    desk.give("a.ndjson", patient("a"))
    assert desk.load("--tenant", "north").exit_code == 0
    assert desk.load().exit_code == 0
    with sqlite3.connect(desk.database) as connection:
        assert connection.execute("SELECT count(DISTINCT tenant), max(version) FROM patient").fetchone() == (2, 1)


def test_the_journal_s_name_shows_no_password():
    settings = Settings(database_url="postgresql://user:hunter2@127.0.0.1/db", _env_file=None)
    assert "hunter2" not in str(journal_path(settings, ""))

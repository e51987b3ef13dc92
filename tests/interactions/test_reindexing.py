"""Reindexing: the entries are those of a fresh index again, and nothing else has changed."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest
from sqlalchemy import Integer, bindparam, select

from fhir_server.interactions import reindexing as desk_reindexing
from fhir_server.interactions.reindexing import count_living, reindex_tenant
from fhir_server.kernel.errors import BadRequest
from fhir_server.spec import json_format
from fhir_server.store import reindexing
from fhir_server.store.reindexing import Entries, tail_of
from fhir_server.store.tables import resource_table
from fhir_server.store.versions import Indexed, Statement

BASE = "http://test/fhir"
TYPES = ("Patient", "Observation", "Organization")
DERIVED = ("h", "v", "patient", "date_low", "date_high")
KEPT = ("version", "updated", "method", "rh", "body")
FULL = {
    "Patient": {"name": [{"family": "Évora", "given": ["Ana", "Zoë"]}], "birthDate": "1970-05-01", "active": True},
    "Observation": {
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "Heart rate"},
        "subject": {"reference": f"{BASE}/Patient/p1"},
        "effectiveDateTime": "2026-02-03T04:05:06.700Z",
        "valueQuantity": {"value": 72.10, "unit": "/min"},
    },
    "Organization": {"name": "Clínica", "identifier": [{"system": "urn:x", "value": "1"}]},
}
DAMAGE = {
    "gone": "UPDATE {table} SET h = NULL, v = NULL, patient = NULL, date_low = NULL, date_high = NULL WHERE body IS NOT NULL",
    "wrong": "UPDATE {table} SET h = {wrong_h}, v = '{{\"x\": [1]}}', patient = 'x', date_low = 1, date_high = 2 WHERE body IS NOT NULL",
    "values alone": "UPDATE {table} SET v = '{{}}' WHERE body IS NOT NULL",
    "patient alone": "UPDATE {table} SET patient = 'x' WHERE body IS NOT NULL",
    "date alone": "UPDATE {table} SET date_low = 1 WHERE body IS NOT NULL",
}
DAMAGE_OF_TAIL = {
    "no tail": "DELETE FROM {table}_ix",
    "half a tail": "DELETE FROM {table}_ix WHERE h > 0",
    "strays": "INSERT INTO {table}_ix SELECT 77, rid FROM {table}",
    "wrong tail": "UPDATE {table}_ix SET h = h + 1",
    "all of it": "UPDATE {table} SET h = NULL WHERE body IS NOT NULL; DELETE FROM {table}_ix; INSERT INTO {table}_ix SELECT 77, rid FROM {table}",
    "a row cut off": "UPDATE {table} SET h = substr(h, 1, 13) WHERE body IS NOT NULL",
}


async def put(desk, resource_type, id_, **more):
    body = {"resourceType": resource_type, "id": id_, **FULL[resource_type], **more}
    await desk("update", resource_type, id_, json_format.decode(json.dumps(body).encode()))


async def clinic(desk, count=3):
    for resource_type in TYPES:
        for n in range(count):
            await put(desk, resource_type, f"p{n}")
    await desk("delete", "Patient", "p0")


async def reindex(desk, **options):
    return await reindex_tenant(desk.parts, desk.context.tenant.key, base_url=BASE, **options)


def run_sql(database_url, sql):
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
        connection.executescript(sql)
        connection.close()
        return
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql)


def damage(database_url, sql, types=TYPES):
    wrong = "x'0100000000000000'" if database_url.startswith("sqlite") else "'{1,2}'"
    for resource_type in types:
        run_sql(database_url, sql.format(table=resource_type.lower(), wrong_h=wrong))


async def rows_of(desk, resource_type, names):
    table = resource_table(resource_type)
    columns = [table.c[n] for n in ("id", *names)]
    shape = lambda: select(*columns).where(table.c.tenant == bindparam("tenant", type_=Integer)).order_by(table.c.id)  # noqa: E731
    return await desk.context.store.select(Statement((resource_type, names), shape, {}))


async def kept(desk):
    return {t: await rows_of(desk, t, KEPT) for t in TYPES}


async def derived(desk):
    """What the rows say, as `Indexed`; None for a deletion."""
    said = {}
    for resource_type in TYPES:
        for id_, h, v, *hot in await rows_of(desk, resource_type, DERIVED):
            tail = tail_of(h) if isinstance(h, bytes) else h
            values = json.loads(v) if isinstance(v, str) else v
            said[resource_type, id_] = None if h is None else Indexed(tuple(tail), values, *hot)
    return said


async def fresh(desk):
    """What an index of the stored bodies says now."""
    made = {}
    for resource_type in TYPES:
        for id_, body in await rows_of(desk, resource_type, ("body",)):
            made[resource_type, id_] = None
            if body is not None:
                index = desk.parts.indexer.index(json_format.decode(body), desk.context.tenant.key, BASE)
                values = json.loads(json_format.encode(index.values))
                made[resource_type, id_] = Indexed(index.hashes, values, index.patient, index.date_low, index.date_high)
    return made


def strays_and_gaps(database_url):
    """Compare SQLite's tail tables with the rows: both ways there is nothing."""
    wrong = {}
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    for resource_type in TYPES:
        name = resource_type.lower()
        there = set(connection.execute(f"SELECT h, rid FROM {name}_ix"))  # noqa: S608 - names of ours
        said = {(h, rid) for rid, p in connection.execute(f"SELECT rid, h FROM {name}") for h in tail_of(p)}  # noqa: S608
        wrong[resource_type] = there ^ said
    connection.close()
    return {t: pairs for t, pairs in wrong.items() if pairs}


async def found(desk):
    searches = (
        ("Patient", ("family", "evora")),
        ("Patient", ("active", "true")),
        ("Patient", ("birthdate", "1970-05-01")),
        ("Observation", ("code", "http://loinc.org|8867-4")),
        ("Observation", ("patient", "Patient/p1")),
        ("Observation", ("value-quantity", "72.1")),
        ("Organization", ("identifier", "urn:x|1")),
        ("Organization", ("name", "clinica")),
    )
    return [len((await desk.search(t, pair)).get("entry", [])) for t, pair in searches]


async def assert_whole(desk, database_url):
    assert await derived(desk) == await fresh(desk)
    if database_url.startswith("sqlite"):
        assert strays_and_gaps(database_url) == {}
    assert await found(desk) == [2, 2, 2, 3, 3, 3, 3, 3]


@pytest.mark.parametrize("sql", DAMAGE.values(), ids=DAMAGE)
async def test_damaged_entries_are_those_of_a_fresh_index_again(desk, database_url, sql):
    await clinic(desk)
    before = await kept(desk)
    damage(database_url, sql)
    assert await derived(desk) != await fresh(desk)
    assert await reindex(desk) == 8
    await assert_whole(desk, database_url)
    assert await kept(desk) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("sql", DAMAGE_OF_TAIL.values(), ids=DAMAGE_OF_TAIL)
async def test_the_tail_of_sqlite_is_exact_again(desk, database_url, monkeypatch, sql):
    monkeypatch.setattr(reindexing, "TAIL_ROWS", 7)
    await clinic(desk)
    damage(database_url, sql)
    assert strays_and_gaps(database_url)
    await reindex(desk)
    await assert_whole(desk, database_url)
    await put(desk, "Patient", "p1", active=False)  # A stray would stop it.


async def test_reindexing_makes_no_version_and_logs_no_change(desk):
    await clinic(desk)
    before = [await desk.context.store.history_count(resource_type=t) for t in TYPES]
    await reindex(desk)
    assert [await desk.context.store.history_count(resource_type=t) for t in TYPES] == before


async def test_rows_whose_entries_are_right_are_not_written(desk, database_url):
    await clinic(desk)
    await reindex(desk)
    is_sqlite = database_url.startswith("sqlite")
    if is_sqlite:
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
        state = lambda: connection.execute("PRAGMA data_version").fetchall()  # noqa: E731
    else:
        import psycopg

        connection = psycopg.connect(database_url, autocommit=True)
        state = lambda: connection.execute("SELECT id, xmin::text, ctid::text FROM patient").fetchall()  # noqa: E731
    before = state()
    await reindex(desk)
    unchanged = state() == before
    damage(database_url, DAMAGE["gone"], ("Patient",))
    await reindex(desk)
    changed = state() != before
    connection.close()
    assert unchanged
    assert changed


async def test_entries_of_a_version_that_was_replaced_are_not_saved(desk, database_url):
    await clinic(desk)
    index = (await fresh(desk))["Patient", "p1"]
    await put(desk, "Patient", "p1", birthDate="2001-01-01")
    async with desk.context.store.unit() as unit:
        await unit.save_entries("Patient", [Entries("p1", 1, index)])
    assert await derived(desk) == await fresh(desk)
    assert len((await desk.search("Patient", ("birthdate", "2001-01-01")))["entry"]) == 1


async def test_entries_of_a_version_that_was_deleted_are_not_saved(desk):
    await clinic(desk)
    index = (await fresh(desk))["Patient", "p1"]
    await desk("delete", "Patient", "p1")
    async with desk.context.store.unit() as unit:
        await unit.save_entries("Patient", [Entries("p1", 1, index)])
    assert (await derived(desk))["Patient", "p1"] is None


async def test_writes_at_the_same_time_are_neither_lost_nor_reverted(desk, database_url):
    await clinic(desk, 12)
    damage(database_url, DAMAGE["values alone"], ("Observation",))
    writing = True
    runs = 0

    async def reindex_on():
        nonlocal runs
        while writing:
            await reindex(desk, types=TYPES, batch=3)
            runs += 1

    async def write(n):
        for _ in range(6):
            await put(desk, "Patient", f"p{n}", birthDate=f"19{10 + n}-01-01")
            await put(desk, "Observation", f"p{n}")

    background = [asyncio.create_task(reindex_on()) for _ in range(2)]
    await asyncio.gather(*(write(n) for n in range(1, 7)))
    writing = False
    await asyncio.gather(*background)
    await reindex(desk)

    assert runs
    assert await derived(desk) == await fresh(desk)
    versions = dict(await rows_of(desk, "Patient", ("version",)))
    assert [versions[f"p{n}"] for n in range(1, 12)] == [7] * 6 + [1] * 5
    for n in range(1, 7):
        assert len((await desk.search("Patient", ("birthdate", f"19{10 + n}-01-01")))["entry"]) == 1
    if database_url.startswith("sqlite"):
        assert strays_and_gaps(database_url) == {}


async def test_a_run_that_was_stopped_is_run_again(desk, database_url):
    await clinic(desk)
    damage(database_url, DAMAGE["gone"])

    def stop(done):
        if done == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await reindex(desk, batch=1, progress=stop)
    half = await derived(desk)
    assert sum(entries is not None for entries in half.values()) == 4
    assert await reindex(desk, batch=1) == 8
    await assert_whole(desk, database_url)


async def test_progress_is_told_page_by_page_up_to_the_number_counted(desk):
    await clinic(desk)
    told = []
    await reindex(desk, batch=2, progress=told.append)
    assert told == [2, 3, 5, 6, 8]
    assert await count_living(desk.parts, desk.context.tenant.key) == 8


async def test_round_trips_grow_with_the_pages_alone(desk):
    async def trips(count):
        await clinic(desk, count)
        before = desk.parts.store.round_trips
        await reindex(desk, types=["Observation"], batch=20)
        return desk.parts.store.round_trips - before

    assert await trips(2) == await trips(20)


async def test_large_bodies_make_short_pages(desk, database_url, monkeypatch):
    await clinic(desk)
    damage(database_url, DAMAGE["gone"])
    monkeypatch.setattr(reindexing, "PAGE_BYTES", 1)
    told = []
    assert await reindex(desk, progress=told.append) == 8
    assert told == [1, 2, 3, 4, 5, 6, 7, 8]
    await assert_whole(desk, database_url)


async def test_types_named_are_done_and_no_others(desk, database_url):
    await clinic(desk)
    damage(database_url, DAMAGE["gone"])
    assert await reindex(desk, types=["Observation", "Observation"]) == 3
    assert {t for (t, _), entries in (await derived(desk)).items() if entries} == {"Observation"}


async def test_an_unknown_type_is_refused_with_a_suggestion(desk):
    with pytest.raises(BadRequest, match="did you mean Patient"):
        await reindex(desk, types=["Pateint"])


async def test_another_tenant_is_left_alone(desk, database_url):
    await clinic(desk)
    other = await desk.parts.store.create_tenant("other")
    damage(database_url, DAMAGE["gone"])
    assert await reindex_tenant(desk.parts, other) == 0
    assert set((await derived(desk)).values()) == {None}


async def test_a_page_in_a_deadlock_is_saved_anew(desk, monkeypatch, database_url):
    from fhir_server.store.unit_of_work import UnitOfWork
    from fhir_server.store.versions import StaleWrite

    await clinic(desk)
    damage(database_url, DAMAGE["gone"])
    save, calls = UnitOfWork.save_entries, []

    async def save_the_second_time(unit, *args):
        calls.append(args)
        if len(calls) % 2:
            raise StaleWrite
        await save(unit, *args)

    monkeypatch.setattr(UnitOfWork, "save_entries", save_the_second_time)
    assert await reindex(desk) == 8
    await assert_whole(desk, database_url)
    assert len(calls) == 2 * len(TYPES)
    assert desk_reindexing.ATTEMPTS > 2

"""Selects run within a tenant, compiled once a shape, given up when they take too long."""

from __future__ import annotations

import pytest
from sqlalchemy import ARRAY, BigInteger, Integer, Text, bindparam, cast, func, select, text

from fhir_server.kernel.errors import TimedOut
from fhir_server.kernel.settings import Settings
from fhir_server.search.hashing import identity as identity_of_search
from fhir_server.store.compiled import WithoutTenant
from fhir_server.store.identity import identity
from fhir_server.store.store import Store
from fhir_server.store.tables import resource_table, tail_table
from fhir_server.store.versions import Statement
from tests.store.making import body_of, write

PATIENT = resource_table("Patient")
OF_TENANT = PATIENT.c.tenant == bindparam("tenant", type_=Integer)


def by_hash(dialect: str, h: int) -> Statement:
    def build():
        statement = select(PATIENT.c.id, PATIENT.c.body).where(OF_TENANT).order_by(PATIENT.c.id)
        wanted = bindparam("h", type_=BigInteger)
        if dialect == "postgresql":
            return statement.where(
                PATIENT.c.h.contains(cast(func.array_append(text("'{}'::bigint[]"), wanted), ARRAY(BigInteger)))
            )
        tail = tail_table("Patient")
        return statement.where(PATIENT.c.rid.in_(select(tail.c.rid).where(tail.c.h == wanted)))

    return Statement(("by_hash", dialect), build, {"h": h})


async def test_a_select_finds_what_the_tail_holds_now(store):
    patients = store.tenant(1)
    await patients.write([write(id="a", hashes=(1, 2, -3)), write(id="b", hashes=(2,))])
    await patients.write([write(id="a", version=2, hashes=(2, 4))])
    found = [await patients.select(by_hash(store.dialect, h)) for h in (1, 2, -3, 4)]
    a, b = ("a", body_of("Patient", "a", 2)), ("b", body_of("Patient", "b", 1))
    assert found == [[], [a, b], [], [a]]


async def test_a_select_sees_its_own_tenant_only(store):
    other = store.tenant(await store.create_tenant("other"))
    await store.tenant(1).write([write(id="a", hashes=(7,))])
    await other.write([write(id="b", hashes=(7,)), write(id="a", note="theirs")])
    statement = by_hash(store.dialect, 7)
    assert [r[0] for r in await store.tenant(1).select(statement)] == ["a"]
    assert [r[0] for r in await other.select(statement)] == ["b"]
    assert (await store.tenant(1).read("Patient", "a")).body == body_of("Patient", "a", 1)


async def test_the_tenant_of_a_statement_cannot_be_chosen_by_its_values(store):
    await store.tenant(1).write([write(hashes=(7,))])
    statement = by_hash(store.dialect, 7)
    forged = Statement(statement.shape, statement.build, {**statement.values, "tenant": 1})
    assert await store.tenant(2).select(forged) == []


async def test_a_statement_without_the_tenant_is_not_run(store):
    everybody = Statement("all", lambda: select(PATIENT.c.id), {})
    for run in (store.tenant(1).select(everybody), store.tenant(1).select_many([everybody])):
        with pytest.raises(WithoutTenant):
            await run
    async with store.tenant(1).unit() as unit:
        with pytest.raises(WithoutTenant):
            await unit.select(everybody)


async def test_a_shape_is_built_once(store):
    built = []

    def build():
        built.append(1)
        return select(PATIENT.c.id).where(OF_TENANT, PATIENT.c.id == bindparam("id", type_=Text))

    await store.tenant(1).write([write(id="a"), write(id="b")])
    found = [await store.tenant(1).select(Statement("one", build, {"id": i})) for i in ("a", "b", "c")]
    assert found == [[("a",)], [("b",)], []]
    assert len(built) == 1


async def test_several_selects_are_one_round_trip(store):
    await store.tenant(1).write([write(id="a", hashes=(1,)), write(id="b", hashes=(2,))])
    statements = [by_hash(store.dialect, h) for h in (1, 2, 3)]
    before = store.round_trips
    answers = await store.tenant(1).select_many(statements)
    assert store.round_trips - before == 1
    assert [[r[0] for r in rows] for rows in answers] == [["a"], ["b"], []]


async def test_a_bind_without_a_value_is_a_fault(store):
    statement = by_hash(store.dialect, 1)
    with pytest.raises(KeyError):
        await store.tenant(1).select(Statement(statement.shape, statement.build, {}))


async def test_an_expanding_bind_is_refused(store):
    statement = Statement("in", lambda: select(PATIENT.c.id).where(OF_TENANT, PATIENT.c.id.in_(["a", "b"])), {})
    with pytest.raises(TypeError, match="expanding"):
        await store.tenant(1).select(statement)


async def test_a_select_that_takes_too_long_is_given_up(database_url):
    store = await Store.open(Settings(database_url=database_url, query_timeout=0.2, _env_file=None))
    series = select(func.count().label("n")).select_from(
        text(
            "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 50000000) SELECT i FROM s) AS s"
        )
    )
    endless = Statement("endless", lambda: select(series.scalar_subquery(), bindparam("tenant", type_=Integer)), {})
    with pytest.raises(TimedOut):
        await store.tenant(1).select(endless)
    assert await store.ready()
    await store.close()


def test_the_identity_of_an_instance_is_that_of_search():
    for tenant, resource_type, id_ in ((1, "Patient", "1"), (77, "MedicationRequest", "x-9.A")):
        assert identity(tenant, resource_type, id_) == identity_of_search(tenant, f"{resource_type}/{id_}")

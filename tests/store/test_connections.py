"""A connection that dies in the pool is noticed before it is used; one that dies at work costs no certainty."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from services.postgresql import OTHERS_AWAY

from fhir_server.kernel.errors import TimedOut, Unavailable
from fhir_server.kernel.settings import Settings
from fhir_server.store.store import Store
from tests.store.consistency import disagreements
from tests.store.making import write


@pytest.fixture
def database_url(postgresql_url):
    return postgresql_url


def terminate_all(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(OTHERS_AWAY)


async def test_reads_writes_and_units_go_on_after_all_idle_connections_died(store, database_url):
    patients = store.tenant(1)
    await asyncio.gather(*(patients.write([write(id=f"{n}")]) for n in range(20)))
    for step in range(3):
        terminate_all(database_url)
        await asyncio.sleep(0.05)
        if step == 0:
            assert await patients.read("Patient", "1") is not None
        elif step == 1:
            await patients.write([write(id="after")])
        else:
            async with patients.unit() as unit:
                await unit.write([write(id="in a unit".replace(" ", "-"))])
    assert disagreements(database_url) == []


async def test_a_connection_lost_within_a_unit_is_said_and_nothing_is_saved(store, database_url):
    patients = store.tenant(1)

    async def lose_it() -> None:
        async with patients.unit() as unit:
            await unit.write([write(id="a"), write(id="b")])
            terminate_all(database_url)
            await unit.write([write(id="c")])

    with pytest.raises(Unavailable):
        await lose_it()
    assert await patients.read_many([("Patient", i) for i in "abc"]) == {}
    assert disagreements(database_url) == []


async def test_a_wait_for_a_lock_is_given_up_in_time(database_url):
    store = await Store.open(Settings(database_url=database_url, query_timeout=0.3, _env_file=None))
    patients = store.tenant(1)
    async with patients.unit() as unit:
        await unit.lock([1])
        with pytest.raises(TimedOut):
            async with patients.unit() as other:
                await other.lock([1])
        await unit.write([write()])
    assert (await patients.read("Patient", "a")).version == 1
    await store.close()


async def test_units_on_other_locks_do_not_wait(store):
    patients = store.tenant(1)
    async with patients.unit() as unit:
        await unit.lock([1])
        async with asyncio.timeout(2), patients.unit() as other:
            await other.lock([2])
            await other.write([write(id="b")])
        assert await patients.read("Patient", "b") is not None
        await unit.write([write()])


async def test_more_units_at_once_than_connections_wait_their_turn(database_url):
    store = await Store.open(Settings(database_url=database_url, pool_size=2, _env_file=None))
    patients = store.tenant(1)

    async def work(n: int) -> None:
        async with patients.unit() as unit:
            await unit.read("Patient", "x")
            await unit.write([write(id=f"{n}")])

    await asyncio.wait_for(asyncio.gather(*(work(n) for n in range(40))), 20)
    assert await patients.history_count() == 40
    await store.close()


async def test_a_pool_that_stays_busy_is_said(database_url):
    store = await Store.open(Settings(database_url=database_url, pool_size=1, request_timeout=0.3, _env_file=None))
    patients = store.tenant(1)
    async with patients.unit():
        with pytest.raises(Unavailable):
            await patients.read("Patient", "a")
    await store.close()

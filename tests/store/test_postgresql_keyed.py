"""Statements by key run on libpq itself: whole answers, whatever their size, and nothing of a read given up."""

from __future__ import annotations

import asyncio
import random

import psycopg
import pytest

from fhir_server.kernel.settings import Settings
from fhir_server.store.store import Store
from tests.store.making import write


@pytest.fixture
def database_url(postgresql_url):
    return postgresql_url


@pytest.mark.parametrize("size", [10, 5_000, 90_000, 20_000_000], ids=lambda n: f"{n} bytes")
async def test_a_body_of_any_size_comes_back_as_it_was_written(store, size):
    patients = store.tenant(1)
    saved = write(note=random.Random(size).randbytes(size // 2).hex())
    await patients.write([saved])
    assert await patients.read("Patient", "a") == saved.version


async def test_a_read_given_up_half_way_leaves_nothing_for_the_next_one(store):
    patients = store.tenant(1)
    await asyncio.gather(*(patients.write([write(id=f"{n}")]) for n in range(8)))
    for delay in (0.0, 0.0001, 0.0003, 0.001):
        given_up = [asyncio.create_task(patients.read("Patient", "1")) for _ in range(30)]
        await asyncio.sleep(delay)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        found = await asyncio.gather(*(patients.read("Patient", f"{n}") for n in range(8)))
        assert [version.id for version in found] == [f"{n}" for n in range(8)]


async def test_a_text_that_postgresql_cannot_hold_is_refused_not_cut(store):
    with pytest.raises(psycopg.DataError):
        await store.tenant(1).write([write(id="a\0b")])
    assert await store.tenant(1).read("Patient", "a") is None


async def test_statements_by_key_go_on_after_a_unit_was_rolled_back(store, database_url):
    one = await Store.open(Settings(database_url=database_url, pool_size=1, _env_file=None))
    patients = one.tenant(1)
    await patients.write([write()])

    async def fail() -> None:
        async with patients.unit() as unit:
            await unit.write([write(id="b"), write(id="c"), write("Group", "g")])
            await unit.read_many([("Patient", "a"), ("Group", "g")])
            raise KeyError

    for _ in range(3):
        with pytest.raises(KeyError):
            await fail()
        assert (await patients.read("Patient", "a")).version == 1
        assert await patients.read("Patient", "b") is None
    await one.close()

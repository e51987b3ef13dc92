"""A unit of work is one transaction: all of it or none, seen by others at its end; locks make units take turns."""

from __future__ import annotations

import asyncio

import pytest

from fhir_server.store.versions import StaleWrite
from tests.store.consistency import disagreements, rows
from tests.store.making import deletion, write


@pytest.fixture
def patients(store):
    return store.tenant(1)


async def test_a_unit_sees_its_own_writes_and_others_see_them_at_its_end(patients, database_url):
    await patients.write([write(id="old")])
    async with patients.unit() as unit:
        await unit.write([write()])
        await unit.write([write(version=2), write("Group", "g")])
        await unit.write([deletion(id="old")])
        assert (await unit.read("Patient", "a")).version == 2
        assert set(await unit.read_many([("Patient", "a"), ("Group", "g")])) == {("Patient", "a"), ("Group", "g")}
        assert await patients.read("Patient", "a") is None
        assert (await patients.read("Patient", "old")).body is not None
    assert (await patients.read("Patient", "a")).version == 2
    assert (await patients.read("Patient", "old")).body is None
    assert disagreements(database_url) == []


class CallersError(Exception):
    pass


@pytest.mark.parametrize("error", [CallersError, asyncio.CancelledError], ids=["an exception", "a cancellation"])
async def test_a_unit_left_by_an_exception_leaves_nothing(patients, database_url, error):

    async def leave() -> None:
        async with patients.unit() as unit:
            await unit.write([write(), write("Group", "g")])
            raise error

    with pytest.raises(error):
        await leave()
    assert rows(database_url, "SELECT 1 FROM change") == []
    await patients.write([write()])
    assert disagreements(database_url) == []


async def test_a_unit_left_by_a_stale_write_leaves_nothing(patients, database_url):
    await patients.write([write()])

    async def write_what_is_stale() -> None:
        async with patients.unit() as unit:
            await unit.write([write(id="b"), write("Group", "g")])
            await unit.write([write(id="c"), write()])

    with pytest.raises(StaleWrite) as stale:
        await write_what_is_stale()
    assert stale.value.positions == (1,)
    assert await patients.read("Patient", "b") is None
    assert disagreements(database_url) == []


async def test_units_cancelled_anywhere_leave_nothing_and_block_nobody(patients, database_url):
    async def work(n: int) -> None:
        async with patients.unit() as unit:
            await unit.lock([n % 3])
            await unit.write([write(id=f"u{n}"), write("Group", f"u{n}")])
            await unit.read("Patient", "a")

    tasks = [asyncio.create_task(work(n)) for n in range(30)]
    for n, task in enumerate(tasks):
        await asyncio.sleep(0.0007 * (n % 4))
        if n % 2:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.wait_for(patients.write([write(id="after")]), 5)
    assert disagreements(database_url) == []
    found = {r[0] for r in rows(database_url, "SELECT id FROM patient")}
    assert found >= {f"u{n}" for n in range(0, 30, 2)} | {"after"}
    assert {r[0] for r in rows(database_url, 'SELECT id FROM "group"')} == found - {"after"}


async def test_units_that_share_a_lock_take_turns_and_see_what_was_committed(patients):
    """Thirty units want to be the one that creates; the lock makes the later ones find it there."""

    async def create_if_none(keys: list[int]) -> bool:
        async with patients.unit() as unit:
            await unit.lock(keys)
            if await unit.read("Patient", "only"):
                return False
            await asyncio.sleep(0)
            await unit.write([write(id="only")])
            return True

    orders = ([5, -7], [-7, 5], [5, 2**63 - 1, -(2**63)])
    created = await asyncio.gather(*(create_if_none(orders[n % 3]) for n in range(30)))
    assert sum(created) == 1


async def test_the_round_trips_of_a_unit_do_not_grow_with_what_it_writes(store, patients):
    counts = []
    for size in (3, 60):
        before = store.round_trips
        async with patients.unit() as unit:
            await unit.lock(list(range(size)))
            await unit.read_many([("Patient", f"{size}-{n}") for n in range(size)])
            await unit.write([write(t, f"{size}-{n}") for n in range(size) for t in ("Patient", "Group")])
        counts.append(store.round_trips - before)
    assert counts[0] == counts[1] <= 6


async def test_other_writes_go_on_while_a_unit_is_open(patients):
    """On SQLite they wait for its end, on PostgreSQL they do not; everywhere they succeed."""

    async def others() -> None:
        for n in range(20):
            await patients.write([write(id=f"o{n}")])

    async with patients.unit() as unit:
        task = asyncio.create_task(others())
        for n in range(20):
            await unit.write([write(id=f"u{n}")])
    await asyncio.wait_for(task, 10)
    assert len(await patients.history(limit=100)) == 40

"""Versions are written one after the other, all or nothing, and read back as they were."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from fhir_server.store.identity import identity
from fhir_server.store.versions import StaleWrite
from tests.store.consistency import disagreements, rows
from tests.store.making import MILLISECOND, START, body_of, deletion, write


@pytest.fixture
def patients(store):
    return store.tenant(1)


async def test_a_version_is_read_back_byte_for_byte(patients):
    made = write(note="é\U0001f600 1.10")
    await patients.write([made])
    assert await patients.read("Patient", "a") == made.version
    assert await patients.read_version("Patient", "a", 1) == made.version


@pytest.mark.parametrize("size", [3_000, 99_900, 100_100, 3_000_000], ids="{} bytes".format)
async def test_a_body_of_any_size_is_read_back(patients, size):
    made = write(note="0123456789abcdef" * (size // 16))
    await patients.write([made])
    assert (await patients.read("Patient", "a")).body == made.version.body


async def test_what_never_was_is_none(patients):
    await patients.write([write()])
    assert await patients.read("Patient", "b") is None
    assert await patients.read("Group", "a") is None
    assert await patients.read_version("Patient", "a", 2) is None


@pytest.mark.parametrize("id_", ["", "a b", "a\0", "a/b", "ä", "x" * 65, "'; DROP TABLE patient; --"])
async def test_what_is_no_id_is_not_found(patients, id_):
    assert await patients.read("Patient", id_) is None
    assert await patients.read_version("Patient", id_, 1) is None
    assert await patients.read_many([("Patient", id_)]) == {}
    assert await patients.history(resource_type="Patient", id=id_) == []


@pytest.mark.parametrize("version", [0, -1, 2**31, 2**70])
async def test_a_version_number_out_of_range_is_not_found(patients, version):
    await patients.write([write()])
    assert await patients.read_version("Patient", "a", version) is None


async def test_an_update_keeps_the_version_before(patients, database_url):
    first, second = write(), write(version=2, hashes=(3, 4))
    await patients.write([first])
    await patients.write([second])
    assert await patients.read("Patient", "a") == second.version
    assert await patients.read_version("Patient", "a", 1) == first.version
    assert disagreements(database_url) == []


async def test_a_deleted_instance_keeps_its_row_without_content(patients, database_url):
    await patients.write([write(patient="a")])
    await patients.write([deletion()])
    assert (await patients.read("Patient", "a")).body is None
    assert rows(database_url, "SELECT body, h, v, patient, date_low, date_high FROM patient") == [(None,) * 6]
    assert disagreements(database_url) == []


async def test_an_instance_created_again_continues_its_versions(patients, database_url):
    await patients.write([write()])
    await patients.write([deletion()])
    again = write(version=3)
    await patients.write([again])
    assert await patients.read("Patient", "a") == again.version
    assert (await patients.read_version("Patient", "a", 2)).body is None
    assert disagreements(database_url) == []


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(write(), id="create of what exists"),
        pytest.param(write(version=3), id="update of a version to come"),
        pytest.param(write(id="b", version=2), id="update of what never was"),
        pytest.param(deletion(id="b"), id="delete of what never was"),
    ],
)
@pytest.mark.parametrize("company", [0, 1, 3], ids=["alone", "with one", "with three"])
async def test_a_write_that_finds_another_version_is_stale_and_nothing_is_saved(patients, database_url, wrong, company):
    await patients.write([write()])
    good = [write(resource_type, "new") for resource_type in ("Account", "Group", "Patient")][:company]
    with pytest.raises(StaleWrite) as stale:
        await patients.write([*good, wrong])
    assert stale.value.positions == (company,)
    assert len(rows(database_url, "SELECT 1 FROM change")) == 1
    assert disagreements(database_url) == []


async def test_stale_writes_of_a_set_are_named(patients):
    await patients.write([write(id="a"), write(id="c")])
    with pytest.raises(StaleWrite) as stale:
        await patients.write([write(id="b"), write(id="c"), write("Group"), write(id="a"), write(id="c2", version=5)])
    assert stale.value.positions == (1, 3, 4)


async def test_two_writes_at_once_to_one_instance_are_a_fault(patients):
    with pytest.raises(ValueError, match="same instance"):
        await patients.write([write(), write(version=2)])
    assert await patients.read("Patient", "a") is None


async def test_a_set_is_saved_as_single_writes_are(patients, database_url):
    types = ("Patient", "Observation", "Group")
    await patients.write([write(t, f"{n}", hashes=(n, -n - 1)) for t in types for n in range(40)])
    await patients.write([write(t, f"{n}", 2, hashes=(n, 7000 + n)) for t in types for n in range(0, 40, 2)])
    await patients.write([deletion(t, f"{n}", 2) for t in types for n in range(1, 40, 4)])
    await patients.write([write("Group", "x"), deletion("Group", "0", 3), write("Group", "2", 3)])
    assert disagreements(database_url) == []
    found = await patients.read_many([(t, f"{n}") for t in types for n in range(41)])
    assert len(found) == 120
    assert found["Group", "0"].body is None
    assert found["Group", "2"].body == body_of("Group", "2", 3)
    assert found["Observation", "4"].version == 2


@pytest.mark.parametrize("count", [2, 30, 300])
async def test_the_round_trips_of_a_set_do_not_grow_with_it(store, patients, count):
    await patients.write([write("Observation", f"{n}") for n in range(count)])
    before = store.round_trips
    await patients.write(
        [write(t, f"{t}{n}") for t in ("Patient", "Group", "Account") for n in range(count)]
        + [write("Observation", f"{n}", 2) for n in range(count)]
    )
    assert store.round_trips - before <= 3
    before = store.round_trips
    assert (
        len(await patients.read_many([(t, f"{t}{n}") for t in ("Patient", "Group") for n in range(count)])) == 2 * count
    )
    assert store.round_trips - before == 1


async def test_one_write_is_one_round_trip(store, patients):
    for made in (write(), write(version=2), deletion(version=3)):
        before = store.round_trips
        await patients.write([made])
        assert store.round_trips - before == 1


async def test_decimals_of_the_index_never_pass_through_float(patients, database_url):
    number = Decimal("0.1000000000000000055511151231257827021181583404541015625")
    await patients.write([write(values={"near": [[number, Decimal("1.10")]]})])
    assert str(number) in rows(database_url, "SELECT CAST(v AS text) FROM patient")[0][0]


async def test_a_nul_in_an_index_text_is_left_out(patients, database_url):
    await patients.write([write(values={"name": ["a\0b"]})])
    assert "ab" in rows(database_url, "SELECT CAST(v AS text) FROM patient")[0][0]


async def test_every_row_knows_its_identity(patients, database_url):
    await patients.write([write("MedicationRequest", "m")])
    assert rows(database_url, "SELECT rh FROM medication_request") == [(identity(1, "MedicationRequest", "m"),)]


async def test_concurrent_writers_of_one_instance_take_turns(patients, database_url):
    await patients.write([write()])

    async def add_ten() -> int:
        lost = done = 0
        while done < 10:
            current = await patients.read("Patient", "a")
            try:
                await patients.write([write(version=current.version + 1)])
            except StaleWrite:
                lost += 1
            else:
                done += 1
        return lost

    await asyncio.gather(*(add_ten() for _ in range(8)))
    assert (await patients.read("Patient", "a")).version == 81
    assert disagreements(database_url) == []


async def test_sets_in_opposite_orders_do_not_block_each_other(patients, database_url):
    places = [(t, f"{n}") for t in ("Patient", "Group", "Account") for n in range(10)]
    await patients.write([write(t, i) for t, i in places])

    async def write_all(order: list[tuple[str, str]]) -> int:
        done = 0
        for _ in range(15):
            current = await patients.read_many(order)
            try:
                await patients.write([write(t, i, current[t, i].version + 1) for t, i in order])
            except StaleWrite:
                continue
            done += 1
        return done

    done = await asyncio.gather(write_all(places), write_all(places[::-1]), write_all(places[::2] + places[1::2]))
    assert (await patients.read("Patient", "0")).version == 1 + sum(done)
    assert disagreements(database_url) == []


async def test_the_time_of_a_version_is_kept_to_the_millisecond(patients):
    await patients.write([write(at=START + 123 * MILLISECOND)])
    assert (await patients.read("Patient", "a")).updated == START + 123 * MILLISECOND

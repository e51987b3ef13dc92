"""Tenants have a name and a key; what one holds another never sees."""

from __future__ import annotations

import asyncio

import pytest

from fhir_server.kernel.errors import BadRequest, Conflict
from fhir_server.kernel.settings import Settings
from fhir_server.store.store import Store
from tests.store.making import write


async def test_the_default_tenant_has_key_1(store, settings):
    assert await store.tenant_key(settings.default_tenant) == 1
    assert await store.tenants() == [(1, settings.default_tenant)]


@pytest.mark.parametrize("name", ["nobody", "", "x" * 65, "a\0b", "'; --", "ä"])
async def test_an_unknown_name_has_no_key(store, name):
    assert await store.tenant_key(name) is None


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 65, "a\0", "é"])
async def test_a_name_that_cannot_be_in_a_url_is_refused(store, name):
    with pytest.raises(BadRequest):
        await store.create_tenant(name)


async def test_a_name_is_taken_once(store):
    assert await store.create_tenant("north") == 2
    with pytest.raises(Conflict):
        await store.create_tenant("north")
    assert await store.tenant_key("north") == 2


async def test_tenants_made_at_once_get_keys_of_their_own(store):
    keys = await asyncio.gather(*(store.create_tenant(f"t{n}") for n in range(8)))
    assert sorted(keys) == list(range(2, 10))


async def test_the_default_tenant_can_be_renamed_and_keeps_its_key(database_url):
    store = await Store.open(Settings(database_url=database_url, default_tenant="old", _env_file=None))
    await store.tenant(1).write([write()])
    await store.close()
    store = await Store.open(Settings(database_url=database_url, default_tenant="new", _env_file=None))
    assert (await store.tenant_key("old"), await store.tenant_key("new")) == (None, 1)
    assert await store.tenant(1).read("Patient", "a") is not None
    await store.close()


async def test_the_default_tenant_cannot_take_the_name_of_another(database_url):
    store = await Store.open(Settings(database_url=database_url, _env_file=None))
    await store.create_tenant("taken")
    await store.close()
    with pytest.raises(Conflict):
        await Store.open(Settings(database_url=database_url, default_tenant="taken", _env_file=None))


async def test_histories_and_versions_are_the_tenants_own(store):
    other = store.tenant(await store.create_tenant("other"))
    await store.tenant(1).write([write(), write(id="b")])
    await other.write([write(note="theirs")])
    await other.write([write(version=2, note="theirs")])
    assert len(await other.history()) == len(await other.history(resource_type="Patient")) == 2
    assert await other.history_count() == 2
    assert await other.read("Patient", "b") is None
    assert await other.read_many([("Patient", "b")]) == {}
    assert b"theirs" not in (await store.tenant(1).read_version("Patient", "a", 1)).body
    assert await store.tenant(1).read_version("Patient", "a", 2) is None

"""The store: opens the database, knows its tenants, hands out the one way to work in each.

No statement runs without a tenant: `Store.tenant(key)` is the only door to rows of resources.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Integer, literal, select

from fhir_server.kernel.errors import Refusal
from fhir_server.store import tenants
from fhir_server.store.compiled import Query, sql_of
from fhir_server.store.database import Database, database_of
from fhir_server.store.instances import Instances
from fhir_server.store.schema import prepare
from fhir_server.store.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fhir_server.kernel.settings import Settings
    from fhir_server.store.tables import Dialect


class TenantStore(Instances):
    """The instances of one tenant, each statement on its own; `unit()` for several in one transaction."""

    def __init__(self, tenant: int, database: Database) -> None:
        super().__init__(tenant, database, database.compiler, database.type_numbers)
        self._database = database

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[UnitOfWork]:
        """Begin a transaction: committed at the end of the block, rolled back where it raises.

        Inside of it use the unit alone: a write past it would wait for it, for good.
        """
        async with self._database.transaction() as session:
            yield UnitOfWork(self._tenant, session, self._compiler, self._type_numbers)


class Store:
    """The server's store: `await Store.open(settings)`, and `close` in the end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants: dict[int, TenantStore] = {}
        self._keys: dict[str, int] = {}

    @classmethod
    async def open(cls, settings: Settings) -> Store:
        """Connect, and make the tables where the database is empty. Raises schema.SchemaOutdated."""
        await asyncio.to_thread(prepare, settings.database_url)
        database = database_of(settings)
        await database.open()
        try:
            await tenants.name_default(database, settings.default_tenant)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    @property
    def dialect(self) -> Dialect:
        """`sqlite` or `postgresql`."""
        return self._database.compiler.dialect

    @property
    def round_trips(self) -> int:
        """Round trips to the database so far; tests take the difference."""
        return self._database.round_trips

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""
        await self._database.close()

    async def ready(self) -> bool:
        """Whether the database answers."""
        sql = sql_of(select(literal(1, Integer)), self.dialect)
        try:
            await self._database.fetch(Query(sql, sql.parameters({}), keyed=True))
        except Refusal:
            return False
        return True

    def tenant(self, key: int) -> TenantStore:
        """Return the store of one tenant."""
        found = self._tenants.get(key)
        if found is None:
            found = self._tenants[key] = TenantStore(key, self._database)
        return found

    async def tenant_key(self, name: str) -> int | None:
        """Return the key of the tenant of that name, None where there is none."""
        key = self._keys.get(name)
        if key is None:
            key = await tenants.key_of(self._database, name)
            if key is not None:
                self._keys[name] = key
        return key

    async def tenants(self) -> list[tuple[int, str]]:
        """Return (key, name) of all tenants."""
        return await tenants.all_of(self._database)

    async def create_tenant(self, name: str) -> int:
        """Make a tenant and return its key. Raises BadRequest for an odd name, Conflict for one that is taken."""
        return await tenants.create(self._database, name)

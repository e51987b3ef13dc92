"""A unit of work: reads, locks and writes of one tenant in one transaction, committed once at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fhir_server.store import reindexing
from fhir_server.store.instances import Instances, Runner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fhir_server.store.compiled import Compiler
    from fhir_server.store.reindexing import Entries


class Session(Runner, Protocol):
    """A runner inside a transaction."""

    async def lock(self, keys: Sequence[int]) -> None:
        """Hold locks to the end of the transaction."""
        ...


class UnitOfWork(Instances):
    """The instances of one tenant inside a transaction; `async with store.tenant(key).unit() as unit`.

    After StaleWrite the transaction is of no use: leave the block by the exception and begin anew.
    """

    def __init__(self, tenant: int, session: Session, compiler: Compiler, type_numbers: Mapping[str, int]) -> None:
        super().__init__(tenant, session, compiler, type_numbers)
        self._session = session

    async def lock(self, keys: Sequence[int]) -> None:
        """Hold the locks `keys` (64-bit) until the end; two units that share one run one after the other.

        They are taken in sorted order. What another unit committed while this one waited is seen by the
        statements that follow. SQLite has one writer, so a unit holds them all from its beginning.
        """
        if keys:
            await self._session.lock(keys)

    async def save_entries(self, resource_type: str, entries: Sequence[Entries]) -> None:
        """Replace the search entries of those instances that still are at the version they were derived from."""
        await reindexing.save(self._session, self._dialect, self._tenant, resource_type, entries)

    async def drop_strays(self, resource_type: str, pairs: Sequence[tuple[int, int]]) -> None:
        """Drop the pairs (hash, row) of SQLite's tail that no row says."""
        await reindexing.drop_from_tail(self._session, self._tenant, resource_type, pairs)

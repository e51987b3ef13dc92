"""What a database offers to the store: the one thing to write for another dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fhir_server.store.instances import Runner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from fhir_server.kernel.settings import Settings
    from fhir_server.store.compiled import Compiler
    from fhir_server.store.unit_of_work import Session


class Database(Runner, Protocol):
    """A database that runs statements, each on its own or several in a transaction."""

    compiler: Compiler

    @property
    def round_trips(self) -> int:
        """Round trips made so far."""
        ...

    @property
    def type_numbers(self) -> Mapping[str, int]:
        """The number of each resource type in `history` and `change`."""
        ...

    async def open(self) -> None:
        """Connect."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of everything."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """Begin a transaction; commit at the end, roll back on an exception."""
        ...


def database_of(settings: Settings) -> Database:
    """Return the database the settings name, not yet open. Loads no driver that is not needed."""
    from fhir_server.store.addresses import is_sqlite  # noqa: PLC0415

    if is_sqlite(settings.database_url):
        from fhir_server.store.dialects.sqlite import Sqlite  # noqa: PLC0415

        return Sqlite(settings)
    from fhir_server.store.dialects.postgresql import Postgresql  # noqa: PLC0415

    return Postgresql(settings)

"""What an interaction is performed with: the server's parts, and whose request this is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_server.kernel.clock import Clock
    from fhir_server.kernel.ids import Ids
    from fhir_server.kernel.settings import Settings
    from fhir_server.search.indexing import Indexer
    from fhir_server.search.parameters import SearchParameters
    from fhir_server.spec.packages import Definitions
    from fhir_server.store.store import Store, TenantStore
    from fhir_server.store.unit_of_work import UnitOfWork
    from fhir_server.validator.validate import Validator


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the server is made of. `app.py`, `worker.py` and the test fixture build the same."""

    settings: Settings
    definitions: Definitions
    search_parameters: SearchParameters
    indexer: Indexer
    validator: Validator
    store: Store
    clock: Clock
    ids: Ids


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant: `key` is part of every key in the store, `name` of its URL."""

    key: int
    name: str


@dataclass(frozen=True, slots=True)
class Context:
    """One request's surroundings. `base_url` has no slash at its end (`http://localhost:8000/fhir`).

    `unit` is the transaction everything runs in, where there is one.
    """

    parts: Parts
    tenant: Tenant
    base_url: str
    request_id: str = ""
    unit: UnitOfWork | None = None

    @property
    def store(self) -> TenantStore | UnitOfWork:
        """Where to read and write: the transaction, or the tenant's store outside of one."""
        return self.unit or self.parts.store.tenant(self.tenant.key)

    def within(self, unit: UnitOfWork) -> Context:
        """Return the same surroundings, inside the transaction `unit`."""
        return replace(self, unit=unit)

"""Puts the house together: settings -> parts -> ASGI application.

`uvicorn --factory fhir_server.app:from_environment` starts it; `fhir-server serve` does so with care.
"""

from __future__ import annotations

import gc
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fhir_server.interactions.context import Parts
from fhir_server.interactions.perform import perform
from fhir_server.kernel import log
from fhir_server.kernel.clock import SystemClock
from fhir_server.kernel.ids import RequestIds, UuidIds
from fhir_server.kernel.metrics import Metrics
from fhir_server.kernel.settings import Settings
from fhir_server.search.indexing import Indexer
from fhir_server.search.parameters import SearchParameters
from fhir_server.spec.packages import load_definitions
from fhir_server.store.store import Store
from fhir_server.validator.validate import Validator
from fhir_server.web.api import Lifespan, create_api
from fhir_server.web.envelope import Envelope
from fhir_server.web.exposure import LoopbackOnly, refuse_unfinished
from fhir_server.web.surface import FhirSurface

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from starlette.types import ASGIApp


async def build_parts(settings: Settings) -> Parts:
    """Open the store and make everything else the server is made of. The caller closes `parts.store`."""
    if not settings.link_secret:
        settings = settings.model_copy(update={"link_secret": secrets.token_urlsafe(32)})
    definitions = load_definitions()
    search_parameters = SearchParameters(definitions)
    store = await Store.open(settings)
    return Parts(
        settings=settings,
        definitions=definitions,
        search_parameters=search_parameters,
        indexer=Indexer(search_parameters, definitions),
        validator=Validator(definitions),
        store=store,
        clock=SystemClock(),
        ids=UuidIds(),
    )


def create_app(settings: Settings) -> ASGIApp:
    """Return the application. It builds its parts when it starts and closes the store when it stops.

    Raises CannotStart where the settings ask for what is not built.
    """
    refuse_unfinished(settings)
    house = _House()
    api = create_api(ready=house.is_ready, metrics=(metrics := Metrics()), lifespan=house.lifespan(settings))
    house.surface = FhirSurface(api, perform)
    return _enclosed(house.surface, metrics, settings)


def create_app_with(parts: Parts) -> ASGIApp:
    """Return an application over parts that somebody else built and closes, as tests do."""
    house = _House()
    api = create_api(ready=house.is_ready, metrics=(metrics := Metrics()), lifespan=house.nothing)
    house.surface = FhirSurface(api, perform)
    house.open(parts)
    return _enclosed(house.surface, metrics, parts.settings)


def from_environment() -> ASGIApp:
    """Return the application that the environment describes, its logs set up: what servers of ASGI import."""
    settings = Settings()
    log.configure(settings.log_level, settings.log_format)
    return create_app(settings)


def _enclosed(surface: FhirSurface, metrics: Metrics, settings: Settings) -> ASGIApp:
    app: ASGIApp = surface
    if settings.auth == "off" and not settings.insecure:
        app = LoopbackOnly(app, base_url=settings.base_url)
    return Envelope(app, metrics=metrics, ids=RequestIds(), cors_origins=settings.cors_origins)


class _House:
    """The parts of a running application, and the surface that serves them."""

    surface: FhirSurface
    parts: Parts | None = None

    def open(self, parts: Parts | None) -> None:
        self.parts = parts
        self.surface.use(parts)

    async def is_ready(self) -> bool:
        return self.parts is not None and await self.parts.store.ready()

    def lifespan(self, settings: Settings) -> Lifespan:
        @asynccontextmanager
        async def run(_: FastAPI) -> AsyncIterator[None]:
            parts = await build_parts(settings)
            self.open(parts)
            # What is alive now stays alive: the collector need not walk it again (read p99 26 -> 6.5 ms).
            gc.collect()
            gc.freeze()
            try:
                yield
            finally:
                self.open(None)
                await parts.store.close()

        return run

    @asynccontextmanager
    async def nothing(self, _: FastAPI) -> AsyncIterator[None]:
        yield

"""The FastAPI application behind the FHIR surface: health, metrics, OpenAPI, the landing page.

The FHIR surface is not in its OpenAPI: `/fhir/metadata` describes that, in FHIR's own terms.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from html import escape
from typing import TYPE_CHECKING

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

import fhir_server
from fhir_server.kernel.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from fhir_server.kernel.metrics import Metrics

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Health(BaseModel):
    """Whether the server is well."""

    status: str


def create_api(*, ready: Callable[[], Awaitable[bool]], metrics: Metrics, lifespan: Lifespan) -> FastAPI:
    """Return the application. `ready` says whether the database answers."""
    api = FastAPI(
        title="fhir-server",
        version=fhir_server.__version__,
        description="Health and metrics of a FHIR R4 server. The FHIR API is at `/fhir`; see `/fhir/metadata`.",
        lifespan=lifespan,
        # The pages of FastAPI load scripts from a foreign host; /openapi.json needs none.
        docs_url=None,
        redoc_url=None,
    )

    @api.get("/health/live", tags=["health"])
    async def live() -> Health:
        """Say that the process serves requests."""
        return Health(status="ok")

    @api.get("/health/ready", tags=["health"], responses={503: {"model": Health}})
    async def is_ready(response: Response) -> Health:
        """Say whether the server can do its work: its database answers."""
        if await ready():
            return Health(status="ok")
        response.status_code = 503
        return Health(status="unavailable")

    @api.get("/metrics", tags=["health"], response_class=Response)
    async def prometheus() -> Response:
        """Return the metrics in Prometheus' text form."""
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    @api.get("/", include_in_schema=False, response_class=HTMLResponse)
    async def landing() -> HTMLResponse:
        """Say what to open."""
        return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})

    return api


_PLACES = (
    ("/fhir/metadata?_format=html", "what this server can do (CapabilityStatement)"),
    ("/fhir/Patient?_count=10&_format=html", "patients"),
    ("/fhir/Observation?_count=10&_sort=-date&_format=html", "the newest observations"),
    ("/fhir/_history?_count=10&_format=html", "what changed last"),
    ("/health/ready", "is it well?"),
    ("/metrics", "figures for Prometheus"),
    ("/openapi.json", "the API beside FHIR, as OpenAPI"),
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>fhir-server</title>
<style>body{{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#222}}
code{{background:#f2f2f2;padding:.1em .3em}}</style>
<h1>fhir-server {escape(fhir_server.__version__)}</h1>
<p>A FHIR R4 (4.0.1) server. Its base URL is <code>/fhir</code>, another tenant's <code>/t/&lt;tenant&gt;/fhir</code>.</p>
<ul>
{"".join(f'<li><a href="{escape(place)}">{escape(place.partition("?")[0])}</a> {escape(what)}</li>' for place, what in _PLACES)}
</ul>
"""

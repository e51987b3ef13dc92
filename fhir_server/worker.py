"""The worker: long jobs, run by Celery on Redis, one function each.

Start it with `celery --app fhir_server.worker worker`. Jobs enter the async house through one `asyncio.run`.
Importing this opens nothing: the settings are read when the worker, or who asks for its results, needs them.

https://docs.celeryq.dev
"""

from __future__ import annotations

import asyncio
from typing import Any

from celery import Celery
from celery.exceptions import ImproperlyConfigured

from fhir_server.app import build_parts
from fhir_server.interactions.reindexing import JOB, reindex_tenant
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.settings import Settings

LONGEST_JOB = 6 * 3600
"""Seconds after which Redis gives a job that nobody finished to another worker: one that takes longer is done twice
over, which harms nobody, and a job whose whole machine was lost waits as long."""


def configuration() -> dict[str, Any]:
    """Return Celery's settings, by ours. Jobs are acknowledged late: a worker that dies loses none."""
    url = Settings().redis_url
    if not url:
        raise ImproperlyConfigured("FHIR_SERVER_REDIS_URL is empty: the worker needs it, e.g. redis://127.0.0.1:6379/0")
    return {
        "broker_url": url,
        "result_backend": url,
        "broker_transport_options": {"visibility_timeout": LONGEST_JOB},
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "task_serializer": "json",
        "accept_content": ["json"],
        "broker_connection_retry_on_startup": True,
    }


app = Celery("fhir_server", set_as_current=False)
app.add_defaults(configuration)


@app.task(name=JOB)  # type: ignore[untyped-decorator]  # Celery has no types
def reindex(tenant: str, types: list[str] | None = None, base_url: str = "") -> int:
    """Derive the search entries of a tenant's resources anew; return how many there were."""
    return asyncio.run(_reindex(tenant, types or [], base_url))


async def _reindex(name: str, types: list[str], base_url: str) -> int:
    parts = await build_parts(Settings())
    try:
        key = await parts.store.tenant_key(name)
        if key is None:
            raise NotFound(f"There is no tenant {name!r}")
        return await reindex_tenant(parts, key, types=types, base_url=base_url)
    finally:
        await parts.store.close()

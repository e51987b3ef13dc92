"""The worker: long jobs, run by Celery on Redis, one function each.

Start it with `celery --app fhir_server.worker worker`. Jobs enter the async house through one `asyncio.run`.
"""

from __future__ import annotations

import asyncio

from celery import Celery

from fhir_server.app import build_parts
from fhir_server.interactions.reindexing import reindex_tenant
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.settings import Settings


def make_celery(settings: Settings) -> Celery:
    """Return the Celery application. Jobs are acknowledged late: a worker that dies loses none."""
    url = settings.redis_url or "redis://127.0.0.1:6379/0"
    celery = Celery("fhir_server", broker=url, backend=url, set_as_current=False)
    celery.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_serializer="json",
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
    )
    return celery


app = make_celery(Settings())


@app.task(name="fhir_server.reindex")
def reindex(tenant: str) -> int:
    """Derive the search entries of every resource of a tenant anew; return how many there were."""
    return asyncio.run(_reindex(tenant))


async def _reindex(name: str) -> int:
    parts = await build_parts(Settings())
    try:
        key = await parts.store.tenant_key(name)
        if key is None:
            raise NotFound(f"There is no tenant {name!r}")
        return await reindex_tenant(parts, key)
    finally:
        await parts.store.close()

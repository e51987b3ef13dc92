"""Databases for tests: each test that asks for `database_url` or `store` runs on SQLite and on PostgreSQL.

PostgreSQL is a cluster of the test run's own (`services/postgresql.py`). Where this machine has no PostgreSQL its
params are skipped, saying why; with FHIR_TEST_REQUIRE_SERVICES=1 they fail instead.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from services import postgresql

from fhir_server.kernel.settings import Settings
from fhir_server.store.store import Store


@pytest.fixture(scope="session")
def postgresql_cluster():
    reason = postgresql.why_unavailable()
    if reason:
        if os.environ.get("FHIR_TEST_REQUIRE_SERVICES") == "1":
            pytest.fail(f"PostgreSQL is required: {reason}")
        pytest.skip(f"PostgreSQL: {reason}")
    cluster = postgresql.start({"fsync": "off"})
    yield cluster
    cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'fhir.db'}"
        return
    cluster = request.getfixturevalue("postgresql_cluster")
    url = cluster.new_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture
def settings(database_url):
    return Settings(database_url=database_url, auth="off", _env_file=None)


@pytest.fixture
async def store(settings):
    """A store on an empty database of each kind."""
    opened = await Store.open(settings)
    yield opened
    await opened.close()

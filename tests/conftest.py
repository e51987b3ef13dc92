"""Databases for tests: each test that asks for `database_url` or `store` runs on SQLite and on PostgreSQL.

PostgreSQL is a cluster of the test run's own (`services/postgresql.py`). Where this machine has no PostgreSQL its
params are skipped, saying why; with FHIR_TEST_REQUIRE_SERVICES=1 they fail instead. The tables are made once a run
and copied or emptied for each test.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `from services import …`, for tests and benchmarks alike

from services import postgresql

from fhir_server.kernel.settings import Settings
from fhir_server.store.schema import prepare
from fhir_server.store.store import Store

# No deadlines: machines are shared. In CI the examples are the same in every run; elsewhere they are drawn anew.
hypothesis.settings.register_profile("ours", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("ours")

KINDS = ["sqlite", "postgresql"]
KEPT = frozenset({"resource_type", "alembic_version"})


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


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory):
    """A SQLite file with the tables and nothing in them."""
    path = tmp_path_factory.mktemp("migrated") / "fhir.db"
    prepare(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_database_url(postgresql_cluster):
    """A PostgreSQL database with the tables, for one test after the other."""
    url = postgresql_cluster.new_database()
    prepare(url)
    return url


@pytest.fixture
def postgresql_url(postgresql_cluster, migrated_database_url):
    """A PostgreSQL database with the tables and nothing in them."""
    yield migrated_database_url
    postgresql_cluster.empty(migrated_database_url, but=KEPT)


@pytest.fixture(params=KINDS)
def database_url(request, tmp_path):
    """A database of each kind with the tables and nothing in them."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    path = tmp_path / "fhir.db"
    shutil.copy(request.getfixturevalue("migrated_file"), path)
    return f"sqlite:///{path}"


@pytest.fixture(params=KINDS)
def bare_database_url(request, tmp_path):
    """A database of each kind without any tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
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

"""The migrations make exactly the tables of the code, once, however many start together."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from fhir_server.kernel.bundled import bundled
from fhir_server.kernel.settings import Settings
from fhir_server.spec.packages import load_definitions
from fhir_server.store import schema
from fhir_server.store.addresses import dialect_of, sqlite_path
from fhir_server.store.store import Store
from fhir_server.store.tables import schema as tables_of
from fhir_server.store.tables import table_name
from tests.store.consistency import rows


def engine_of(database_url: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))


def test_the_migrated_tables_are_those_of_the_code(bare_database_url):
    schema.prepare(bare_database_url)
    wanted = tables_of(dialect_of(bare_database_url), load_definitions().resource_types)
    engine = engine_of(bare_database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, wanted) == []
    engine.dispose()


def test_an_index_of_the_code_that_no_migration_makes_is_noticed(bare_database_url):
    schema.prepare(bare_database_url)
    wanted = tables_of(dialect_of(bare_database_url), load_definitions().resource_types)
    sqlalchemy.Index("one_more", wanted.tables["patient"].c.date_high)
    engine = engine_of(bare_database_url)
    with engine.connect() as connection:
        assert len(compare_metadata(MigrationContext.configure(connection), wanted)) == 1
    engine.dispose()


def test_every_resource_type_has_a_number(bare_database_url):
    schema.prepare(bare_database_url)
    numbered = rows(bare_database_url, "SELECT name FROM resource_type ORDER BY number")
    assert tuple(name for (name,) in numbered) == load_definitions().resource_types


def test_the_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(bundled("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_a_second_migration_changes_nothing(bare_database_url):
    assert schema.revision_of(bare_database_url) is None
    assert schema.migrate(bare_database_url) == schema.HEAD
    before = rows(bare_database_url, "SELECT number, name FROM resource_type")
    assert schema.migrate(bare_database_url) == schema.HEAD
    assert schema.revision_of(bare_database_url) == schema.HEAD
    assert rows(bare_database_url, "SELECT number, name FROM resource_type") == before


def test_processes_that_start_together_migrate_once(bare_database_url):
    code = "import sys; from fhir_server.store.schema import prepare; prepare(sys.argv[1])"
    together = [subprocess.Popen([sys.executable, "-c", code, bare_database_url]) for _ in range(4)]
    assert [process.wait(60) for process in together] == [0] * 4
    assert schema.revision_of(bare_database_url) == schema.HEAD


async def test_stores_that_open_together_on_an_empty_database_agree(bare_database_url):
    settings = Settings(database_url=bare_database_url, _env_file=None)
    stores = await asyncio.gather(*(Store.open(settings) for _ in range(4)))
    assert [await store.tenants() for store in stores] == [[(1, settings.default_tenant)]] * 4
    for store in stores:
        await store.close()


def test_a_new_database_is_made_quickly(bare_database_url):
    start = time.process_time()
    schema.migrate(bare_database_url)
    assert time.process_time() - start < 3


async def test_a_database_of_another_revision_waits_for_migrate(postgresql_cluster):
    bare_database_url = postgresql_cluster.new_database()
    schema.prepare(bare_database_url)
    engine = engine_of(bare_database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    engine.dispose()
    with pytest.raises(schema.SchemaOutdated, match="fhir-server migrate"):
        await Store.open(Settings(database_url=bare_database_url, _env_file=None))


@pytest.mark.parametrize(
    ("url", "dialect"),
    [("sqlite:///a.db", "sqlite"), ("sqlite:////srv/a.db", "sqlite"), ("postgresql://u:p@h/d", "postgresql")],
)
def test_a_bare_database_url_names_its_dialect(url, dialect):
    assert dialect_of(url) == dialect


@pytest.mark.parametrize("url", ["", "sqlite://", "mysql://u:secret@h/d", "fhir.db"])
def test_another_bare_database_url_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError, match="DATABASE_URL") as refused:
        dialect_of(url)
    assert "secret" not in str(refused.value)


def test_a_database_in_memory_is_refused():
    with pytest.raises(ValueError, match="name a file"):
        sqlite_path("sqlite:///:memory:")


@pytest.mark.parametrize("name", ["patient", "Patient; DROP", "", "Pati ent", "A" * 70])
def test_only_a_resource_type_has_a_table(name):
    with pytest.raises(ValueError, match="resource type"):
        table_name(name)

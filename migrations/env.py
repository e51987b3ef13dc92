# ruff: noqa: INP001 - Alembic runs this file by its path
"""Alembic's entrance: runs the migrations on the connection that `fhir_server.store.schema` hands over.

https://alembic.sqlalchemy.org/en/latest/cookbook.html#sharing-a-connection-across-one-or-more-programmatic-migration-commands
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
